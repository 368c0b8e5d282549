import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dropSeen, readLabeledSet, sampleLimit, samplePerClass } from '../../src/data/labels.ts';
import { linesOf } from './corpora.ts';
import { dataFile } from './environment.ts';

/** Texts with a label each; the arrays are parallel. */
export interface Labeled {
  readonly texts: readonly string[];
  readonly labels: readonly string[];
}

/** A public set: the texts that labels are drawn from, and those that measure. */
export interface Sources {
  readonly pool: Labeled;
  readonly test: Labeled;
  /** Texts without labels where the set has them; elsewhere those of the pool, their labels left out. */
  readonly unlabeled?: readonly string[];
  /** Draws that the set comes with, by their shots: every seed takes the same. */
  readonly drawn?: Readonly<Record<string, Labeled>>;
}

interface FewShotSet {
  readonly title: string;
  readonly language: 'English' | 'Chinese';
  /** What is measured where no shots are named. */
  readonly shots: readonly string[];
  read(): Promise<Sources>;
}

/** Texts that measure where a set has no split of its own, or a test set too long to read for every row. */
const testSample = 2000;

export const sets = {
  banking77: {
    ...{ title: 'Banking77', language: 'English', shots: ['5', '10', 'full'] },
    async read() {
      const of = (part: string) => table(`intents/banking77_${part}.csv`);
      const drawn = { '5': await of('train_5'), '10': await of('train_10') };
      return { pool: await of('train'), test: await of('test'), drawn };
    },
  },
  snips: { ...{ title: 'SNIPS', language: 'English', shots: ['5', '10'] }, read: () => intents('snips') },
  atis: { ...{ title: 'ATIS', language: 'English', shots: ['100-texts', '300-texts'] }, read: () => intents('atis') },
  sst2: {
    ...{ title: 'SST-2', language: 'English', shots: ['16-texts', '64-texts', '256-texts'] },
    read: async () => ({
      pool: await table('sst2/train.tsv', 'sentence'),
      test: await table('sst2/dev.tsv', 'content'),
    }),
  },
  imdb: {
    ...{ title: 'IMDB', language: 'English', shots: ['100-texts'] },
    async read() {
      const test = await reviews('imdb/test.jsonl.gz');
      const limited = sampleLimit({ labels: test.labels, limit: testSample, seed: 0 });
      const [pool, { texts: unlabeled }] = [await reviews('imdb/train.jsonl.gz'), await reviews('imdb/unsup.jsonl.gz')];
      return { pool, test: pick(test, limited), unlabeled };
    },
  },
  chnsenticorp: {
    ...{ title: 'ChnSentiCorp', language: 'Chinese', shots: ['100-texts'] },
    read: async () => split(await table('chinese/ChnSentiCorp_htl_all.csv', 'review'), testSample),
  },
  waimai: {
    ...{ title: 'waimai', language: 'Chinese', shots: ['100-texts'] },
    read: async () => split(await table('chinese/waimai_10k.csv', 'review'), testSample),
  },
} as const satisfies Readonly<Record<string, FewShotSet>>;

export type SetName = keyof typeof sets;

/** How many labels: `10` of a class, `100-texts` in all, or `full`. */
export interface Wanted {
  readonly set: SetName;
  readonly shots: string;
}

/**
 * What `--sets` asks for: `banking77:10,sst2:64-texts`; a name alone takes the set's own shots.
 *
 * @throws Error for a set or a number of shots that there is not
 */
export function wantedSets(value: string): Wanted[] {
  return value.split(',').flatMap((item) => {
    const [name = '', shots] = item.split(':');
    if (!isSetName(name)) throw new Error(`--sets: there is no set ${name}; there are ${Object.keys(sets).join(', ')}`);
    if (shots !== undefined && !/^(full|[1-9]\d*(-texts)?)$/.test(shots)) {
      throw new Error(`--sets: ${item} should end in :N (labels of a class), :N-texts (labels in all) or :full`);
    }
    return (shots === undefined ? sets[name].shots : [shots]).map((one) => ({ set: name, shots: one }));
  });
}

/** In words, for titles. */
export function shotsTitle(shots: string): string {
  if (shots === 'full') return 'all labels';
  const count = Number.parseInt(shots, 10);
  return `${count} label${count === 1 ? '' : 's'} ${shots.endsWith('-texts') ? 'in all' : 'a class'}`;
}

/** What one row is trained on and measured with. */
export interface Draw {
  readonly train: Labeled;
  /** Those of classes that the training texts have. */
  readonly test: Labeled;
  /** Test texts of other classes: every side gets them wrong. */
  readonly unseen: number;
  readonly unlabeled: readonly string[];
}

/** The labels that a seed draws: the same for every side. Draws in all keep each class's share, and one text at least. */
export function draw({ pool, test, drawn, unlabeled = pool.texts }: Sources, shots: string, seed: number): Draw {
  const train = drawn?.[shots] ?? pick(pool, drawnFrom(pool.labels, shots, seed));
  const known = new Set(train.labels);
  const seen = test.labels.flatMap((label, i) => (known.has(label) ? [i] : []));
  return { train, test: pick(test, seen), unseen: test.labels.length - seen.length, unlabeled };
}

function drawnFrom(labels: readonly string[], shots: string, seed: number): number[] {
  if (shots === 'full') return labels.map((_, i) => i);
  const count = Number.parseInt(shots, 10);
  return shots.endsWith('-texts')
    ? sampleLimit({ labels, limit: count, seed })
    : samplePerClass({ labels, perClass: count, seed });
}

/**
 * Holds out a sample, each class in its share, of a set without a split of its own. Texts that are the same but for case,
 * white space and numbers are not on both sides.
 */
export function split(all: Labeled, count: number): Sources {
  const held = sampleLimit({ labels: all.labels, limit: count, seed: 0 });
  const test = pick(all, held);
  const isHeld = new Set(held);
  const rest = pick(
    all,
    all.texts.flatMap((_, i) => (isHeld.has(i) ? [] : [i])),
  );
  return { pool: pick(rest, dropSeen(test.texts, rest.texts).kept), test };
}

/** Where a draw lies for every side to read: CSV files with columns text and label. */
export interface DrawFiles {
  readonly train: string;
  readonly test: string;
  /** With the column text alone. */
  readonly unlabeled: string;
}

/** Writes a draw into a folder. */
export function writeDraw(folder: string, { train, test, unlabeled }: Draw): DrawFiles {
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, `${name}.csv`);
  const files = { train: at('train'), test: at('test'), unlabeled: at('unlabeled') };
  writeFileSync(files.train, csv(train));
  writeFileSync(files.test, csv(test));
  writeFileSync(files.unlabeled, `text\n${unlabeled.map((text) => `${cell(text)}\n`).join('')}`);
  return files;
}

function csv({ texts, labels }: Labeled): string {
  const rows = texts.map((text, i) => `${cell(text)},${cell(labels[i] ?? '')}\n`);
  return `text,label\n${rows.join('')}`;
}

function cell(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}

async function intents(name: string): Promise<Sources> {
  return { pool: await table(`intents/${name}_train.csv`), test: await table(`intents/${name}_test.csv`) };
}

function table(path: string, textColumn = 'text'): Promise<Labeled> {
  return readLabeledSet({ files: [dataFile(path)], textColumn, labelColumn: 'label', flag: path });
}

/** IMDB's reviews, whose class is in their id: `train/neg/0_3.txt`. */
async function reviews(path: string): Promise<Labeled> {
  const texts: string[] = [];
  const labels: string[] = [];
  for await (const line of linesOf(dataFile(path))) {
    const { id, text } = JSON.parse(line) as { id: string; text: string };
    texts.push(text);
    labels.push(id.split('/')[1] ?? '');
  }
  return { texts, labels };
}

function pick({ texts, labels }: Labeled, indices: readonly number[]): Labeled {
  return { texts: indices.map((i) => texts[i] ?? ''), labels: indices.map((i) => labels[i] ?? '') };
}

function isSetName(name: string): name is SetName {
  return Object.hasOwn(sets, name);
}
