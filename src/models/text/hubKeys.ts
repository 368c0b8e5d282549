import type { z } from 'zod';
import { BertuneError } from '../../core/errors.ts';
import type { HubConfig } from './config.ts';

/** The keys of a `config.json` that a schema names. @throws BertuneError naming file and key */
export function parsedKeys<T extends z.ZodType>(schema: T, raw: HubConfig, where: string): z.infer<T> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BertuneError(`${where}: ${issue ? problemOf(issue, raw) : 'it cannot be used'}`);
}

function problemOf(issue: z.core.$ZodIssue, raw: HubConfig): string {
  const keys = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return `${[...keys, issue.keys[0] ?? ''].join('.')} is not known, and what it changes would be left out`;
  }
  const value = keys.reduce<unknown>((found, key) => (isRecord(found) ? found[key] : undefined), raw);
  const isWord = issue.code === 'invalid_value' || issue.code === 'invalid_union' || issue.code === 'custom';
  const shown = isWord ? ` is ${JSON.stringify(value)?.slice(0, 100)}` : '';
  return `${keys.join('.')}${shown}: ${issue.message}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
