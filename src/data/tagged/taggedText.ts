import type { Message, Origin } from '../../core/message.ts';
import type { Scheme, Span } from '../../text/tagging/scheme.ts';
import type { OffsetKind } from './offsets.ts';

/** A text with its entities, which do not overlap, in their order. Places are in code units, as strings are indexed. */
export interface TaggedText {
  readonly text: string;
  readonly spans: readonly Span[];
  /** Where its words lie, [from, to), of texts that came as words. */
  readonly words?: readonly (readonly [number, number])[];
  readonly id?: string | number;
}

export interface TaggedOptions {
  /** Files, globs, folders or queries, in their order. */
  readonly files: readonly string[];
  /** What named the files, for messages. */
  readonly flag: Origin;
  /** Column of the texts; of files in columns the number of that of the words. */
  readonly textColumn?: string;
  /** Column of the entities; of files in columns the number of that of the tags. */
  readonly labelColumn?: string;
  /** What tags are written in; told by the tags when absent. */
  readonly scheme?: Scheme;
  /** What places are counted in; told by the texts when absent. */
  readonly offsets?: OffsetKind;
  readonly onNote?: (line: Message) => void;
}
