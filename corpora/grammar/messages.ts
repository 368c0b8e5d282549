import { normalizedForm } from '../../src/text/normalize.ts';
import { asides, closings, fragments, greetings, replyClosings, replyOpenings, slots } from './common.ts';
import type { Draw } from './draw.ts';
import { type Bindings, expand } from './expand.ts';
import type { Intent } from './intent.ts';
import { capitalized, drawVoice, write } from './voice.ts';

/** A line of the unlabeled logs: what a customer wrote, what was answered, or both. */
export function logLine(intent: Intent, draw: Draw): string {
  const bindings: Bindings = new Map();
  const kind = draw.below(100);
  if (kind < 4) return write([expand(draw.pick(fragments), slots, bindings, draw)], drawVoice(draw), draw);
  if (kind < 16) return reply(intent, bindings, draw);
  const message = customerMessage(intent, bindings, draw);
  if (kind < 30) return `Customer: ${message} Agent: ${reply(intent, bindings, draw)}`;
  return message;
}

/**
 * A labeled message. The training set has plain sentences, the test set reworded and insider sentences that are kept
 * for it; undefined where the draw finds none.
 */
export function labeledMessage(intent: Intent, set: 'train' | 'test', draw: Draw): string | undefined {
  const bindings: Bindings = new Map();
  const kept = set === 'test';
  const sentences = labeledTemplates(intent, set, draw).map((template) => expand(template, slots, bindings, draw));
  if (kept && !sentences.every(isKept)) return undefined;
  return spoken(sentences, bindings, draw, 0.3, 0.15);
}

function labeledTemplates(intent: Intent, set: 'train' | 'test', draw: Draw): string[] {
  if (set === 'train') return distinct(intent.plain, draw.pick([1, 1, 2]), draw);
  const reworded = draw.pick(intent.reworded);
  const insider = draw.pick(intent.insider);
  return draw.pick([[reworded], [reworded], [insider], [reworded, insider], [insider, reworded]]);
}

/** Sentences kept for the test set are left out, so that none of them occurs in the logs while their relatives do. */
function customerMessage(intent: Intent, bindings: Bindings, draw: Draw): string {
  const { plain, reworded, insider, details } = intent;
  const pool = [...plain, ...reworded, ...insider, ...insider, ...details];
  const testable = new Set(intent.label === undefined ? [] : [...reworded, ...insider]);
  const count = draw.pick([1, 1, 1, 2, 2, 2, 2, 3, 3, 4]);
  const said = new Map<string, string>();
  while (said.size < count) {
    const template = draw.pick(pool);
    if (said.has(template)) continue;
    const sentence = expand(template, slots, bindings, draw);
    if (!testable.has(template) || !isKept(sentence)) said.set(template, sentence);
  }
  return spoken([...said.values()], bindings, draw, 0.4, 0.28);
}

/** One customer's message: the sentences, perhaps an aside, and a greeting and a closing with a given probability. */
function spoken(sentences: readonly string[], bindings: Bindings, draw: Draw, framing: number, aside: number): string {
  const all = [...sentences];
  const say = (list: readonly string[]) => expand(draw.pick(list), slots, bindings, draw);
  if (draw.chance(aside)) all.splice(draw.below(all.length + 1), 0, say(asides));
  if (draw.chance(framing)) all.unshift(say(greetings));
  if (draw.chance(framing)) all.push(say(closings));
  return write(all, drawVoice(draw), draw);
}

function reply(intent: Intent, bindings: Bindings, draw: Draw): string {
  const count = draw.pick([1, 1, 2]);
  const parts = distinct(intent.replies, count, draw).map((template) => expand(template, slots, bindings, draw));
  if (draw.chance(0.7)) parts.unshift(expand(draw.pick(replyOpenings), slots, bindings, draw));
  if (draw.chance(0.5)) parts.push(expand(draw.pick(replyClosings), slots, bindings, draw));
  return parts.map(capitalized).join(' ');
}

/** Whether a sentence is in the third that is kept for the test set: FNV-1a of its normalized form, modulo 3. */
export function isKept(sentence: string): boolean {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(normalizedForm(sentence))) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % 3 === 0;
}

function distinct<T>(list: readonly T[], count: number, draw: Draw): T[] {
  const chosen = new Set<T>();
  while (chosen.size < count) chosen.add(draw.pick(list));
  return [...chosen];
}
