import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { codePointsAt } from '../../text/tagging/places.ts';
import { type Scheme, type Span, tagsOfSpans } from '../../text/tagging/scheme.ts';
import { onUnits } from '../../text/tagging/units.ts';
import { writeOutputFile } from '../outputFile.ts';
import type { OffsetKind } from './offsets.ts';

/** A text with the entities that were found in it. All places are in code units. */
export interface FoundText {
  readonly id?: string | number;
  readonly text: string;
  /** Where its words lie, [from, to), in their order. */
  readonly words: readonly (readonly [number, number])[];
  /** In the order of the text, none overlapping. */
  readonly entities: readonly (Span & { readonly score: number })[];
}

/** What columns do not tell of the texts that were written. */
export interface ColumnsWritten {
  readonly texts: number;
  /** Texts without a word: columns have no place for them. */
  readonly wordless: number;
  /** Entities that begin or end inside of a word, and were written with all of it. */
  readonly snapped: number;
  /** Entities of which nothing is left, in a word that another one has. */
  readonly lost: number;
  /** Entities that read as one with the one before: without prefixes nothing parts them. */
  readonly merged: number;
}

/**
 * Writes words and their tags in two columns with a tab between (CoNLL), a blank line behind each text.
 *
 * @param signal stops the writing; then there is no file
 * @throws as `writeOutputFile`
 */
export async function writeColumns(
  path: string,
  texts: AsyncIterable<readonly FoundText[]>,
  scheme: Scheme,
  signal?: AbortSignal,
): Promise<ColumnsWritten> {
  const counts = { texts: 0, wordless: 0, snapped: 0, lost: 0, merged: 0 };
  await writeLines(
    path,
    async function* () {
      for await (const batch of texts) {
        for (const text of batch) {
          const words = writtenWords(text);
          const { spans, snapped, lost } = onUnits(words, text.entities);
          counts.texts++;
          counts.snapped += snapped;
          counts.lost += lost;
          if (words.length === 0) counts.wordless++;
          if (scheme === 'IO') counts.merged += spans.filter((span, i) => touches(spans[i - 1], span)).length;
          const tags = tagsOfSpans(spans, words.length, scheme);
          if (words.length > 0) yield `${words.map(({ word }, i) => `${word}\t${tags[i]}\n`).join('')}\n`;
        }
      }
    },
    signal,
  );
  return counts;
}

/** Words without white space, which would end a column or a line. */
function writtenWords({ text, words }: FoundText) {
  return words.flatMap(([from, to]) =>
    [...text.slice(from, to).matchAll(/\S+/g)].map(({ 0: word, index }) => {
      const start = from + index;
      return { word, start, end: start + word.length, token: 0 };
    }),
  );
}

function touches(before: Span | undefined, { start, label }: Span): boolean {
  return before?.end === start && before.label === label;
}

/** What tasks of Label Studio are written with. */
export interface TaskOptions {
  /** The labels that people choose from. */
  readonly labels: readonly string[];
  /** What places are counted in; Label Studio itself counts code points. */
  readonly offsets: OffsetKind;
}

/**
 * Writes tasks of Label Studio with what was found as their predictions, and the labeling configuration beside them.
 *
 * @returns the files, and the number of tasks
 * @throws as `writeOutputFile`
 */
export async function writeTasks(
  path: string,
  texts: AsyncIterable<readonly FoundText[]>,
  { labels, offsets }: TaskOptions,
  signal?: AbortSignal,
): Promise<{ readonly files: readonly string[]; readonly texts: number }> {
  let count = 0;
  await writeLines(
    path,
    async function* () {
      yield '[';
      for await (const batch of texts) {
        for (const text of batch) yield `${count++ === 0 ? '' : ','}\n${JSON.stringify(taskOf(text, offsets))}`;
      }
      yield '\n]\n';
    },
    signal,
  );
  const configuration = configurationOf(path);
  await writeOutputFile(configuration, (partial) => writeFile(partial, labelingConfiguration(labels)));
  return { files: [path, configuration], texts: count };
}

/** Where the labeling configuration of tasks lies. */
export function configurationOf(path: string): string {
  return `${path.slice(0, -extname(path).length)}.xml`;
}

const names = { from_name: 'label', to_name: 'text' };

function taskOf({ id, text, entities }: FoundText, offsets: OffsetKind): object {
  const place = offsets === 'code-points' ? codePointsAt(text) : (at: number) => at;
  const result = entities.map(({ start, end, label, score }, i) => ({
    ...{ id: `e${i + 1}`, ...names, type: 'labels', score: rounded(score) },
    value: { start: place(start), end: place(end), text: text.slice(start, end), labels: [label] },
  }));
  // By its least sure entity, so that sorting by it brings first what is worth a look.
  const score = entities.length === 0 ? {} : { score: Math.min(...entities.map((one) => rounded(one.score))) };
  return {
    data: { text, ...(id === undefined ? {} : { id }) },
    predictions: [{ model_version: 'bertune', ...score, result }],
  };
}

function labelingConfiguration(labels: readonly string[]): string {
  return [
    '<View>',
    `  <Labels name="${names.from_name}" toName="${names.to_name}">`,
    ...labels.map((label) => `    <Label value="${escaped(label)}"/>`),
    '  </Labels>',
    `  <Text name="${names.to_name}" value="$text"/>`,
    '</View>',
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function rounded(score: number): number {
  return Number(score.toFixed(4));
}

function writeLines(path: string, lines: () => AsyncGenerator<string>, signal?: AbortSignal): Promise<void> {
  return writeOutputFile(path, (partial) => pipeline(lines, createWriteStream(partial), { signal }), signal);
}
