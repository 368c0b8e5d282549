import type { Draw } from './draw.ts';

/** How one customer writes: the same in every sentence of a message. */
export interface Voice {
  readonly letterCase: 'usual' | 'lower' | 'upper';
  readonly contracts: boolean;
  readonly abbreviates: boolean;
  readonly dropsApostrophes: boolean;
  /** What stands between two sentences. */
  readonly separator: '. ' | ', ' | '... ' | '! ' | ' ';
  readonly endsWithStop: boolean;
  /** The share of words of four letters or more with a slip of the finger. */
  readonly slipRate: number;
}

export function drawVoice(draw: Draw): Voice {
  const careless = draw.chance(0.35);
  return {
    letterCase: draw.chance(0.015) ? 'upper' : draw.chance(careless ? 0.85 : 0.15) ? 'lower' : 'usual',
    contracts: draw.chance(0.65),
    abbreviates: careless && draw.chance(0.4),
    dropsApostrophes: careless && draw.chance(0.6),
    separator: careless ? draw.pick([', ', ', ', '... ', ' ', '! ', '. ']) : draw.pick(['. ', '. ', '. ', '. ', '! ']),
    endsWithStop: draw.chance(careless ? 0.25 : 0.85),
    slipRate: draw.chance(0.55) ? 0 : careless ? 0.06 : 0.02,
  };
}

/** The finished message out of its sentences, which begin in lower case and end without a full stop. */
export function write(sentences: readonly string[], voice: Voice, draw: Draw): string {
  const spoken = sentences.map((sentence) => reworded(sentence, voice));
  const text = join(voice.letterCase === 'usual' ? withCapitals(spoken, voice) : spoken, voice);
  const slipped = text.replace(/\p{L}{4,}/gu, (word) => (draw.chance(voice.slipRate) ? withSlip(word, draw) : word));
  if (voice.letterCase === 'lower') return slipped.toLowerCase();
  return voice.letterCase === 'upper' ? slipped.toUpperCase() : slipped;
}

export function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** Capitals begin every sentence, or only the first where commas stand between them. */
function withCapitals(sentences: readonly string[], voice: Voice): string[] {
  return sentences.map((sentence, i) => (i === 0 || voice.separator !== ', ' ? capitalized(sentence) : sentence));
}

function join(sentences: readonly string[], voice: Voice): string {
  let text = '';
  sentences.forEach((sentence, i) => {
    const last = i === sentences.length - 1;
    const question = sentence.endsWith('?');
    if (!last) text += sentence + (question ? ' ' : voice.separator);
    else text += question || !voice.endsWithStop ? sentence : `${sentence}.`;
  });
  return text;
}

const contractions: readonly (readonly [RegExp, string])[] = [
  [/\bI am\b/g, "I'm"],
  [/\bI have\b(?= (?:not|been|moved|opened|already))/g, "I've"],
  [/\bI will\b/g, "I'll"],
  [/\bcannot\b/g, "can't"],
  [/\b(do|does|did|is|was|were|has|have|could|should|would) not\b/g, "$1n't"],
  [/\bwill not\b/g, "won't"],
  [/\b(that|it|there|what|where) is\b/g, "$1's"],
];

const abbreviations: readonly (readonly [RegExp, string])[] = [
  [/\bplease\b/g, 'pls'],
  [/\bthanks\b/g, 'thx'],
  [/\byou\b/g, 'u'],
  [/\byour\b/g, 'ur'],
  [/\bbecause\b/g, 'cos'],
  [/\btomorrow\b/g, 'tmrw'],
];

function reworded(sentence: string, voice: Voice): string {
  let text = sentence;
  if (voice.contracts) for (const [long, short] of contractions) text = text.replace(long, short);
  if (voice.dropsApostrophes) text = text.replaceAll("'", '');
  if (voice.abbreviates) for (const [long, short] of abbreviations) text = text.replace(long, short);
  return text;
}

/** The keys beside each letter on a QWERTY keyboard. */
const neighbours: Readonly<Record<string, string>> = {
  a: 'qsz',
  b: 'vn',
  c: 'xv',
  d: 'sf',
  e: 'wr',
  f: 'dg',
  g: 'fh',
  h: 'gj',
  i: 'uo',
  j: 'hk',
  k: 'jl',
  l: 'k',
  m: 'n',
  n: 'bm',
  o: 'ip',
  p: 'o',
  q: 'w',
  r: 'et',
  s: 'ad',
  t: 'ry',
  u: 'yi',
  v: 'cb',
  w: 'qe',
  x: 'zc',
  y: 'tu',
  z: 'x',
};

/** One wrong, dropped, doubled or swapped letter, never the first. */
function withSlip(word: string, draw: Draw): string {
  const at = 1 + draw.below(word.length - 2);
  const letter = word.charAt(at);
  const before = word.slice(0, at);
  const after = word.slice(at + 1);
  switch (draw.below(4)) {
    case 0:
      return before + draw.pick([...(neighbours[letter] ?? letter)]) + after;
    case 1:
      return before + after;
    case 2:
      return before + letter + letter + after;
    default:
      return before + after.charAt(0) + letter + after.slice(1);
  }
}
