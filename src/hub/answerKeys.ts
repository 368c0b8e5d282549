import { z } from 'zod';
import { BertuneError } from '../core/errors.ts';
import type { HubConfig } from '../models/text/config.ts';

/** Keys of `config.json` that say how answers are made of what a classifier puts out; Python keeps them and does nothing with them. */

/** The probability from which on each label is told, in the order of the labels; absent: 0.5. */
export const thresholdsKey = 'label_thresholds';
/** Half the width of the interval around a number, and the share of numbers that it is to hold. */
export const marginKey = 'number_interval';

/** The keys that a folder has, for one that is made of it with the same head. */
export function answerKeysOf(raw: HubConfig): HubConfig {
  return Object.fromEntries([thresholdsKey, marginKey].flatMap((key) => (key in raw ? [[key, raw[key]]] : [])));
}

/** @throws BertuneError for thresholds that are none, or not as many as labels */
export function thresholdsOf(raw: HubConfig, labels: number, name: string): readonly number[] {
  const found = raw[thresholdsKey] ?? Array.from({ length: labels }, () => 0.5);
  const { data } = z.array(z.number().min(0).max(1)).length(labels).safeParse(found);
  if (data) return data;
  throw new BertuneError(`${name}: ${thresholdsKey} of config.json must be ${labels} numbers from 0 to 1`);
}

/** An interval around every number that a model gives. */
export interface NumberInterval {
  readonly margin: number;
  /** Share of numbers that it is to hold. */
  readonly share: number;
}

/** Undefined for a model that says nothing of it. @throws BertuneError for what is no interval */
export function numberIntervalOf(raw: HubConfig, name: string): NumberInterval | undefined {
  const { [marginKey]: found } = raw;
  if (found === undefined) return undefined;
  const { data } = z.object({ margin: z.number().min(0), share: z.number().min(0).max(1) }).safeParse(found);
  if (data) return data;
  throw new BertuneError(`${name}: ${marginKey} of config.json must have margin and share, two numbers`);
}
