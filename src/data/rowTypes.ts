import { type DuckDBType, DuckDBTypeId, type DuckDBValue } from '@duckdb/node-api';

/** Whether values of a type are JSON documents. */
export function isJson({ alias }: DuckDBType): boolean {
  return alias === 'JSON';
}

/** A type as SQL writes it. */
export function typeName(type: DuckDBType): string {
  return isJson(type) ? 'JSON' : String(type);
}

/** SQL for a JSON value as text: a string as it is, all else as JSON. */
export function jsonAsText(value: string): string {
  return `CASE json_type(${value}) WHEN 'VARCHAR' THEN ${value} ->> '$' WHEN 'NULL' THEN NULL ELSE CAST(${value} AS VARCHAR) END`;
}

/** A value of a type as people wrote it: of JSON a string without its quotes; undefined where there is none. */
export function textOfValue(value: DuckDBValue | undefined, type: DuckDBType): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (!isJson(type)) return String(value);
  const parsed: unknown = JSON.parse(String(value));
  if (parsed === null) return undefined;
  return typeof parsed === 'string' ? parsed : JSON.stringify(parsed);
}

/** SQL for a value of a type as a file of text can hold it. @param kind of the file */
export function asWritten(value: string, type: DuckDBType, kind: 'csv' | 'jsonl'): string {
  if (isJson(type)) return kind === 'csv' ? jsonAsText(value) : value;
  switch (type.typeId) {
    // Text that was stored without saying so; what is none has no other way to be written.
    case DuckDBTypeId.BLOB:
      return `coalesce(try(decode(${value})), base64(${value}))`;
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY:
    case DuckDBTypeId.STRUCT:
    case DuckDBTypeId.MAP:
    case DuckDBTypeId.UNION:
      return kind === 'csv' ? `CAST(to_json(${value}) AS VARCHAR)` : value;
    // JSON has no other numbers; as text, a float32 has its shortest digits.
    case DuckDBTypeId.FLOAT:
      return kind === 'jsonl' ? `CASE WHEN isfinite(${value}) THEN CAST(CAST(${value} AS VARCHAR) AS JSON) END` : value;
    case DuckDBTypeId.DOUBLE:
      return kind === 'jsonl' ? `CASE WHEN isfinite(${value}) THEN ${value} END` : value;
    default:
      return value;
  }
}
