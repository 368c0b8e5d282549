import { BertuneError } from '../../core/errors.ts';
import { type Message, say } from '../../core/message.ts';
import { textNames } from '../columns.ts';

/** A record of a text with labeled parts, as its file spells them. */
export interface SpanRecord {
  readonly text: string;
  readonly spans: readonly RawSpan[];
  readonly id?: string | number;
}

/** A part of a text by its place, in whatever a tool counts. */
export interface RawSpan {
  readonly start: number;
  readonly end: number;
  readonly label: string;
  /** What it is said to hold. */
  readonly text?: string;
}

/** A record of words and their tags. */
export interface WordRecord {
  readonly words: readonly string[];
  readonly tags: readonly string[];
  readonly id?: string | number;
}

/** Why a record is left out. */
export interface LeftOutRecord {
  readonly leftOut: string;
}

export interface SpanColumns {
  readonly text?: string;
  readonly spans?: string;
}

type Row = Readonly<Record<string, unknown>>;

const spanNames = ['entities', 'spans', 'label', 'labels', 'annotations', 'annotation', 'ner', 'tags'];
const wordNames = ['tokens', 'words'];
const tagNames = ['ner_tags', 'tags', 'labels', 'ner'];

/**
 * A record as the tools that people label with write it: spaCy, Prodigy, doccano, Label Studio, lists of words with tags.
 *
 * @param place names file and row in errors
 * @throws BertuneError for a record that is read as none of them
 */
export function spanRecord(row: Row, columns: SpanColumns, place: Message): SpanRecord | WordRecord | LeftOutRecord {
  const id = typeof row.id === 'string' || typeof row.id === 'number' ? { id: row.id } : {};
  if (row.answer === 'reject' || row.answer === 'ignore') return { leftOut: `answered with ${row.answer}` };
  if (isObject(row.data) && (Array.isArray(row.annotations) || Array.isArray(row.completions))) {
    return labelStudio(row, columns, place);
  }
  if (isObject(row.data) && Array.isArray(row.predictions)) return { leftOut: 'with predictions alone' };
  const words = columns.spans === undefined ? wordsIn(row, place) : undefined;
  if (words) return { ...words, ...id };
  const text = textOf(row, columns.text);
  if (text === undefined) throw new BertuneError(say`${place} has no text`);
  const name = columns.spans ?? spanNames.find((key) => isSpans(parsed(row[key])));
  const value = name === undefined ? undefined : parsed(row[name]);
  if (value === undefined) return { leftOut: 'without labels on its parts' };
  return { text, spans: spansOf(value, place), ...id };
}

function textOf(row: Row, column: string | undefined): string | undefined {
  const name = column ?? [...textNames, 'content', 'data'].find((key) => typeof row[key] === 'string');
  const value = name === undefined ? undefined : row[name];
  return typeof value === 'string' ? value : undefined;
}

/** A value, that of JSON in a cell of a table where it is such. */
function parsed(value: unknown): unknown {
  if (value === null) return [];
  if (typeof value !== 'string') return value;
  if (value.trim() === '') return [];
  if (!/^\s*[[{]/.test(value)) return undefined;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function isSpans(value: unknown): boolean {
  if (isObject(value)) return Array.isArray(value.entities) || Array.isArray(value.spans);
  return Array.isArray(value) && value.every((item) => isObject(item) || Array.isArray(item));
}

function spansOf(value: unknown, place: Message): RawSpan[] {
  const list = isObject(value) ? (value.entities ?? value.spans) : value;
  if (!Array.isArray(list)) throw new BertuneError(say`${place}: its labels are no list of parts of the text`);
  return list.map((item: unknown) => {
    const span = Array.isArray(item) ? fromList(item) : isObject(item) ? fromObject(item) : undefined;
    if (span) return span;
    throw new BertuneError(
      say`${place}: ${JSON.stringify(item).slice(0, 80)} is no part of a text with start, end and label`,
    );
  });
}

/** `[0, 5, "PER"]`, as spaCy and doccano write it. */
function fromList([start, end, label]: readonly unknown[]): RawSpan | undefined {
  return isPlace(start) && isPlace(end) && typeof label === 'string' ? { start, end, label } : undefined;
}

function fromObject(item: Row): RawSpan | undefined {
  const start = item.start ?? item.begin ?? item.start_offset ?? item.startOffset;
  const end = item.end ?? item.stop ?? item.end_offset ?? item.endOffset;
  const labels = item.labels;
  const label =
    Array.isArray(labels) && labels.length === 1
      ? labels[0]
      : (item.label ?? item.entity_group ?? item.entity ?? item.type ?? item.tag ?? item.entity_type);
  if (!isPlace(start) || !isPlace(end) || typeof label !== 'string' || label === '') return undefined;
  return { start, end, label, ...(typeof item.text === 'string' ? { text: item.text } : {}) };
}

function isPlace(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}

/** Lists of words and of their tags, as data sets of the Hub have them. */
function wordsIn(row: Row, place: Message): Omit<WordRecord, 'id'> | undefined {
  const words = parsed(row[wordNames.find((name) => isTexts(parsed(row[name]))) ?? '']);
  const tagName = tagNames.find((name) => {
    const value = parsed(row[name]);
    return Array.isArray(value) && !value.some((item) => isObject(item) || Array.isArray(item));
  });
  if (!isTexts(words) || tagName === undefined) return undefined;
  const tags = parsed(row[tagName]);
  if (!isTexts(tags)) {
    throw new BertuneError(say`${place}: ${tagName} holds numbers, which do not name their tags; write the names`);
  }
  if (tags.length !== words.length) {
    throw new BertuneError(say`${place} has ${words.length} words and ${tags.length} tags`);
  }
  return { words, tags };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
}

/** A task of Label Studio's export with its annotations: the one that is marked as the truth, else the first. */
function labelStudio(row: Row, columns: SpanColumns, place: Message): SpanRecord | LeftOutRecord {
  const all = (row.annotations ?? row.completions) as readonly unknown[];
  const kept = all.filter(isObject).filter((one) => one.was_cancelled !== true && Array.isArray(one.result));
  const annotation = kept.find((one) => one.ground_truth === true) ?? kept[0];
  if (!annotation) return { leftOut: 'without an annotation' };
  const data = row.data as Row;
  const spans = (annotation.result as readonly unknown[]).filter(isObject).filter(({ type }) => type === 'labels');
  const names = Object.keys(data).filter((key) => typeof data[key] === 'string');
  const text = textOf(data, columns.text) ?? (names.length === 1 ? data[names[0] ?? ''] : undefined);
  if (typeof text !== 'string') {
    throw new BertuneError(say`${place}: its data has no single text (${names.join(', ') || 'none'})`);
  }
  const id = typeof row.id === 'string' || typeof row.id === 'number' ? { id: row.id } : {};
  return {
    text,
    spans: spansOf(
      spans.map(({ value }) => value),
      place,
    ),
    ...id,
  };
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
