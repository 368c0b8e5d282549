import { BertuneError, counted, UsageError } from '../../core/errors.ts';
import { type Message, say, setting } from '../../core/message.ts';
import { brokenIn, detectScheme, type Scheme, type Span, spansOfTags } from '../../text/tagging/scheme.ts';
import { joinedWords, type WordColumns } from './conll.ts';
import { isCountedTwoWays, isWide, type OffsetKind, tellOffsets, unitsOfPoints } from './offsets.ts';
import { openTagged, type TaggedRow } from './openTagged.ts';
import type { RawSpan } from './spanRecords.ts';
import type { TaggedOptions, TaggedText } from './taggedText.ts';

export type { TaggedOptions, TaggedText } from './taggedText.ts';

export interface TaggedSet {
  readonly texts: readonly TaggedText[];
  /** What the tags were written in; absent where places were read. */
  readonly scheme?: Scheme;
}

/**
 * Reads texts with labels on their parts: words and tags in columns (CoNLL), or records with the places of entities.
 *
 * @throws UsageError for files or columns to change; BertuneError for labels that cannot be read, naming file and row
 */
export async function readTagged(options: TaggedOptions): Promise<TaggedSet> {
  const { flag, onNote } = options;
  const rows = await openTagged(options, wordColumns(options));
  const leftOut = new Map<string, number>();
  for (const row of rows) if ('leftOut' in row.record) add(leftOut, row.record.leftOut);
  for (const [reason, count] of leftOut) {
    onNote?.(say`${flag}: ${counted(count, 'row')} ${reason}: left out`);
  }
  const tagged = rows.flatMap(({ record, place }) => ('tags' in record ? [{ record, place }] : []));
  const spanned = rows.flatMap(({ record, place }) => ('spans' in record ? [{ record, place }] : []));
  if (tagged.length + spanned.length === 0) {
    throw new UsageError(
      say`${flag}: no row has labels on parts of its text; give words and tags in columns, or records such as {"text": "…", "entities": [{"start": 0, "end": 5, "label": "NAME"}]} (${setting('labelColumn')} names the column)`,
    );
  }
  const scheme = tagged.length === 0 ? undefined : schemeOf(tagged, options);
  const offsets = offsetsOf(spanned, options);
  const edges = { trimmed: 0, repeated: 0 };
  const texts = rows.flatMap(({ record, place }): TaggedText[] => {
    const id = 'id' in record && record.id !== undefined ? { id: record.id } : {};
    if ('tags' in record) {
      const { text, places } = joinedWords(record.words);
      const at = (word: number) => places[word] ?? [0, 0];
      const spans = spansOfTags(record.tags).map(({ start, end, label }) => {
        return { start: at(start)[0], end: at(end - 1)[1], label };
      });
      return [{ text, spans, words: places, ...id }];
    }
    if (!('spans' in record)) return [];
    return [{ text: record.text, spans: checked(record.text, record.spans, { offsets, place, edges }), ...id }];
  });
  if (edges.trimmed > 0) {
    onNote?.(say`${flag}: ${counted(edges.trimmed, 'entity', 'entities')} with white space at an end: without it`);
  }
  if (edges.repeated > 0) {
    onNote?.(say`${flag}: ${counted(edges.repeated, 'entity', 'entities')} given twice: taken once`);
  }
  return { texts, ...(scheme && { scheme }) };
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Columns by their numbers, where they are named so. */
function wordColumns({ textColumn, labelColumn }: TaggedOptions): WordColumns {
  const number = (name: string | undefined) =>
    name !== undefined && /^[1-9]\d*$/.test(name) ? Number(name) : undefined;
  return { word: number(textColumn), tag: number(labelColumn) };
}

interface TaggedRecord extends Pick<TaggedRow, 'place'> {
  readonly record: Extract<TaggedRow['record'], { tags: unknown }>;
}

/** What the tags of all rows are written in, which is told, and what of them is not. */
function schemeOf(rows: readonly TaggedRecord[], { scheme, flag, onNote }: TaggedOptions): Scheme {
  const lists = rows.map(({ record }) => record.tags);
  const found = (() => {
    try {
      return scheme ? brokenIn(lists, scheme) : detectScheme(lists);
    } catch (error) {
      if (!(error instanceof BertuneError)) throw error;
      throw new BertuneError(say`${flag}: ${error.line}; ${setting('labelColumn')} says which column holds the tags`);
    }
  })();
  onNote?.(say`${flag}: tags are read as ${found.scheme} (${setting('tagScheme')}), words joined by single spaces`);
  if (found.broken > 0) {
    onNote?.(
      say`${flag}: ${counted(found.broken, 'tag')} that ${found.scheme} does not have where they stand, the first in ${rows[found.firstBroken ?? 0]?.place ?? ''}: an entity begins where the type changes`,
    );
  }
  return found.scheme;
}

interface SpannedRecord extends Pick<TaggedRow, 'place'> {
  readonly record: Extract<TaggedRow['record'], { spans: unknown }>;
}

/** What places are counted in, which is told where texts have characters that it matters for. */
function offsetsOf(rows: readonly SpannedRecord[], { offsets, flag, onNote }: TaggedOptions): OffsetKind {
  const wide = rows.map(({ record }) => record).filter(isCountedTwoWays);
  if (offsets) return offsets;
  if (wide.length === 0) return 'code-points';
  const told = tellOffsets(wide);
  const by = told ? 'by the words that they begin and end' : 'as Python counts, since nothing tells';
  onNote?.(
    say`${flag}: ${counted(wide.length, 'text')} with emoji or the like: places are counted in ${told === 'utf-16' ? 'UTF-16 code units' : 'code points'}, ${by} (${setting('offsets')})`,
  );
  return told ?? 'code-points';
}

interface Reading {
  readonly offsets: OffsetKind;
  readonly place: Message;
  readonly edges: { trimmed: number; repeated: number };
}

/** @throws BertuneError for an entity that is empty, outside of the text, or overlaps with another */
function checked(text: string, raw: readonly RawSpan[], { offsets, place, edges }: Reading): Span[] {
  const units = offsets === 'code-points' && isWide(text) ? unitsOfPoints(text) : undefined;
  const length = units ? units.length - 1 : text.length;
  const spans = raw.map(({ start, end, label }): Span => {
    const title = `${label} ${start}–${end}`;
    if (start < 0 || end > length) {
      throw new BertuneError(say`${place}: ${title} is outside of its text of ${length} characters`);
    }
    if (end <= start) throw new BertuneError(say`${place}: ${title} is empty`);
    let [from, to] = units ? [units[start] ?? 0, units[end] ?? 0] : [start, end];
    const isTrimmed = /^\s|\s$/.test(text.slice(from, to));
    while (from < to && /\s/.test(text[from] ?? '')) from++;
    while (to > from && /\s/.test(text[to - 1] ?? '')) to--;
    if (from === to) throw new BertuneError(say`${place}: ${title} holds white space alone`);
    if (isTrimmed) edges.trimmed++;
    return { start: from, end: to, label };
  });
  spans.sort((a, b) => a.start - b.start || a.end - b.end);
  const kept: Span[] = [];
  for (const span of spans) {
    const before = kept.at(-1);
    if (before?.start === span.start && before.end === span.end && before.label === span.label) {
      edges.repeated++;
      continue;
    }
    if (before && span.start < before.end) {
      const shown = ({ start, end, label }: Span) => `${label} ${JSON.stringify(text.slice(start, end).slice(0, 40))}`;
      throw new BertuneError(
        say`${place}: ${shown(before)} and ${shown(span)} overlap; a word can have one label: leave one out`,
      );
    }
    kept.push(span);
  }
  return kept;
}
