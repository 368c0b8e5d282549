import { randomBelow, randomUnit } from '../../src/core/random.ts';

/** What a customer writes of each topic. */
const topics: Readonly<Record<string, readonly string[]>> = {
  delivery: ['where is my parcel', 'the delivery is late', 'track my order please'],
  payment: ['the invoice is not right', 'i want a refund to my card', 'check my card now'],
  account: ['change my password', 'open my account', 'close the account today'],
  address: ['update my address', 'the address is not mine'],
};

export const topicNames = Object.keys(topics).sort();

/** Texts about some of four topics, or none of them: text `i` is a function of `i` and the seed. */
export function topicMessages(count: number, seed = 5): { text: string; labels: string[] }[] {
  return Array.from({ length: count }, (_, i) => {
    const parts: { part: string; topic: string }[] = [];
    for (const [t, [topic, sentences]] of Object.entries(topics).entries()) {
      if (randomUnit(seed, 'corpus', i, t, 1) > 0.4) continue;
      parts.push({ topic, part: sentences[randomBelow(sentences.length, seed, 'corpus', i, t, 2)] as string });
    }
    const said = parts.map(({ part }) => part);
    return { text: [`please ${i}`, ...said].join(' . '), labels: parts.map(({ topic }) => topic) };
  });
}

/** Words by how urgent they make a text. */
const pressing = ['now', 'today', 'please'];
const calm = ['is', 'the', 'to'];

/** Texts with a number, between about 10 and 50, that their words add up to. */
export function ratedMessages(count: number, seed = 9): { text: string; urgency: number }[] {
  return Array.from({ length: count }, (_, i) => {
    let score = 0;
    const words = Array.from({ length: 4 + randomBelow(4, seed, 'corpus', i, 1) }, (_, j) => {
      const isPressing = randomUnit(seed, 'corpus', i, j, 2) < 0.5;
      if (isPressing) score++;
      const list = isPressing ? pressing : calm;
      return list[randomBelow(list.length, seed, 'corpus', i, j, 3)] as string;
    });
    const noise = randomUnit(seed, 'corpus', i, 99) - 0.5;
    return { text: `order ${i} ${words.join(' ')}`, urgency: Number((20 + 6 * score + noise).toFixed(2)) };
  });
}
