import type { z } from 'zod';
import { BertuneError } from '../../core/errors.ts';
import type { HubConfig } from './config.ts';

/** The keys of a `config.json` that a schema names. @throws BertuneError naming file and key */
export function parsedKeys<T extends z.ZodType>(schema: T, raw: HubConfig, where: string): z.infer<T> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key = issue?.path.join('.');
  throw new BertuneError(`${where}: ${key ? `${key}: ` : ''}${issue?.message}`);
}
