import { randomBelow, randomUnit } from '../../src/core/random.ts';

/** A text of a customer with the places of its entities, in code units. */
export interface TokenText {
  readonly text: string;
  readonly entities: readonly { readonly start: number; readonly end: number; readonly label: string }[];
}

/**
 * Texts as customers write to a shop, with names, products, order numbers and dates, from templates and lists: those of
 * the test part share neither templates nor values with those of training, so that nothing can be known by heart.
 */
export function tokenTexts(count: number, seed: number, part: 'train' | 'test'): TokenText[] {
  return Array.from({ length: count }, (_, i) => one(part, seed, i));
}

const isOfTest = (index: number) => index % 4 === 3;

function of<T>(all: readonly T[], part: 'train' | 'test'): T[] {
  return all.filter((_, i) => isOfTest(i) === (part === 'test'));
}

function one(part: 'train' | 'test', seed: number, number: number): TokenText {
  let drawn = 0;
  const below = (bound: number) => randomBelow(bound, seed + (part === 'test' ? 7919 : 0), 'sample', number, drawn++);
  const pick = <T>(all: readonly T[]) => all[below(all.length)] as T;
  const pieces = [pick(of(openings, part)), pick(of(bodies, part)), below(2) === 0 ? pick(of(closings, part)) : ''];
  let text = '';
  const entities: TokenText['entities'][number][] = [];
  for (const piece of pieces.filter((one) => one !== '')) {
    if (text !== '') text += ' ';
    for (const [, plain = '', slot] of piece.matchAll(/([^{]*)(?:\{(\w+)\})?/g)) {
      text += plain;
      if (!slot) continue;
      const value = drawnValue(slot, part, pick, below);
      entities.push({ start: text.length, end: text.length + value.length, label: labels[slot] ?? slot });
      text += value;
    }
  }
  return noisy({ text, entities }, below);
}

const labels: Readonly<Record<string, string>> = { name: 'PERSON', product: 'PRODUCT', order: 'ORDER', date: 'DATE' };

function drawnValue(
  slot: string,
  part: 'train' | 'test',
  pick: <T>(all: readonly T[]) => T,
  below: (bound: number) => number,
): string {
  const digits = (count: number) => Array.from({ length: count }, () => below(10)).join('');
  const letter = () => String.fromCharCode(65 + below(26));
  switch (slot) {
    case 'name':
      return [pick(of(first, part)), ...(below(3) > 0 ? [pick(of(last, part))] : [])].join(' ');
    case 'product': {
      const product = pick(of(products, part));
      return below(2) === 0 ? product : `${pick(of(brands, part))} ${product}`;
    }
    case 'order': {
      const forms = [
        () => `${letter()}${letter()}-${digits(5)}`,
        () => `#${digits(6)}`,
        () => `${digits(4)}-${digits(3)}-${letter()}`,
        () => `ORD${digits(7)}`,
      ];
      return (forms[part === 'test' ? below(4) : below(3)] ?? (() => digits(6)))();
    }
    default: {
      const day = 1 + below(28);
      const month = pick(months);
      return pick([`${day} ${month}`, `${month} ${day}`, `${day}/${1 + below(12)}/20${20 + below(7)}`, pick(days)]);
    }
  }
}

/** Lower case, lost capitals, a double space: some texts as they are typed in haste. */
function noisy({ text, entities }: TokenText, below: (bound: number) => number): TokenText {
  const kind = below(8);
  if (kind === 0) return { text: text.toLowerCase(), entities };
  if (kind === 1) return { text: text.replace(/[.!?]$/, ' 🙁'), entities };
  if (kind > 2) return { text, entities };
  const space = text.indexOf(' ');
  const moved = entities.map(({ start, end, label }) => ({
    start: start > space ? start + 1 : start,
    end: end > space ? end + 1 : end,
    label,
  }));
  return entities.some(({ start, end }) => start <= space && end > space)
    ? { text, entities }
    : { text: `${text.slice(0, space)} ${text.slice(space)}`, entities: moved };
}

const openings = [
  'Hello, this is {name}.',
  'My name is {name} and I have a question.',
  'Hi there,',
  '{name} here again.',
  'Good morning, I am writing for {name}.',
  'Dear team,',
  'Hey!',
  'To whom it may concern: {name} is my name.',
  'I talked to {name} on {date}.',
  'Your colleague {name} told me to write.',
  'Hello support,',
  'As {name} from your shop said on {date}, I should ask you.',
];

const bodies = [
  'My order {order} has not arrived yet.',
  'I bought a {product} on {date} and it is broken.',
  'Please cancel {order}, I do not need the {product} any more.',
  'When will the {product} of order {order} be sent?',
  'The {product} that came on {date} is the wrong size.',
  'Can you send {order} to {name} instead?',
  'I was charged twice for {order} on {date}.',
  'Since {date} I wait for my money back for the {product}.',
  'Is the {product} still in stock?',
  'I want to return the {product} from {order}.',
  'There was no invoice with {order}, and the {product} was scratched.',
  'Where is my parcel, number {order}, with the {product} for {name}?',
  'The driver gave {order} to {name} next door.',
  'Could you exchange the {product} for a {product}?',
  'The tracking of {order} stopped on {date}.',
  'Nobody answered since {date} about my {product}, case {order}.',
];

const closings = [
  'Thanks, {name}',
  'Please call me before {date}.',
  'Regards, {name}.',
  'I will be away from {date}, so ask {name}.',
  'Best wishes {name}',
  'Answer me by {date}!',
  'Thank you very much.',
  'Yours, {name}, waiting since {date}',
];

const first = [
  ...['Anna', 'Ben', 'Carla', 'David', 'Elena', 'Farid', 'Grace', 'Hugo', 'Ines', 'Jonas', 'Katya', 'Liam', 'Mei'],
  ...['Nadia', 'Omar', 'Paula', 'Quentin', 'Rosa', 'Samir', 'Tilda', 'Uma', 'Viktor', 'Wanda', 'Yusuf', 'Zoe'],
  ...['Alice', 'Bruno', 'Chloe', 'Diego', 'Emma', 'Felix', 'Greta', 'Hassan', 'Ivan', 'Julia', 'Kofi'],
];
const last = [
  ...['Berg', 'Santos', 'Okafor', 'Lindqvist', 'Moreau', 'Tanaka', 'Novak', 'Fischer', 'Silva', 'Haddad', 'Kowalski'],
  ...['Janssen', 'Rossi', 'Petrov', 'Nguyen', 'Smith', 'Walker', 'Dubois', 'Yilmaz', 'Larsen', 'Costa', 'Weber'],
  ...['Ito', 'Mbeki', 'Horvat', 'Quinn', 'Baker', 'Clarke', 'Stone', 'Reid'],
];
const products = [
  ...['coffee maker', 'desk lamp', 'running shoes', 'backpack', 'wireless mouse', 'tea kettle', 'rain jacket'],
  ...['office chair', 'headphones', 'water bottle', 'phone case', 'garden hose', 'blender', 'winter boots', 'keyboard'],
  ...['yoga mat', 'toaster', 'bed sheets', 'camping tent', 'electric razor', 'bike helmet', 'wall clock', 'air fryer'],
  ...['sun hat', 'monitor stand', 'vacuum cleaner', 'picture frame', 'baby stroller'],
];
const brands = [
  'Norvik',
  'Altera',
  'Brightline',
  'Solano',
  'Kestrel',
  'Umbra',
  'Pinecrest',
  'Tavio',
  'Verano',
  'Lumen',
];
const months = ['January', 'March', 'April', 'May', 'June', 'August', 'September', 'October', 'Nov', 'December'];
const days = ['yesterday', 'last Monday', 'Friday', 'two weeks ago', 'last Tuesday', 'the 3rd'];

/** A share of texts whose labels an annotator forgot, for what has to stand noise. */
export function withMissing(texts: readonly TokenText[], share: number, seed: number): TokenText[] {
  return texts.map(({ text, entities }, i) => ({
    text,
    entities: entities.filter((_, n) => randomUnit(seed, 'sample', i, n, 1) >= share),
  }));
}
