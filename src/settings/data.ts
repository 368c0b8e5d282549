/** Where texts come from: files (globs allowed) or one DuckDB query. */
export interface DataOptions {
  /**
   * Files or globs (.txt, .csv, .tsv, .jsonl, .parquet, each also .gz), `s3://…`, `https://…`, databases
   * (`postgres://…?table=NAME`), or `SELECT …` queries.
   */
  readonly files: readonly string[];
  readonly textColumn?: string;
  /** Column of the second text, where pairs are read: the answer to a question, the other of two messages. */
  readonly pairColumn?: string;
  readonly labelColumn?: string;
  /** What stands between the labels in a column with several of a text; lists are read as they are. */
  readonly labelSeparator?: string;
  /** Columns of 0 and 1, one for each label, which is named as its column. */
  readonly labelColumns?: readonly string[];
  /** Column of a conversation's id: its rows stay on one side of every split. */
  readonly groupColumn?: string;
  /** Column whose values are slices: how a classifier does on the texts of each is told apart. */
  readonly sliceColumn?: string;
}
