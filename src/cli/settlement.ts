import type { ComparedModel } from '../jobs/compare.ts';
import { quantity } from './format.ts';

/** What would settle an open question, to follow it in a sentence; empty where nothing is known to. */
export function settlement({
  settledBy,
  mean,
}: Pick<NonNullable<ComparedModel['gain']>, 'settledBy' | 'mean'>): string {
  if (!settledBy) return '';
  const { more, of } = settledBy;
  return `; about ${quantity(more)} more ${of === 'texts' ? 'test texts' : 'seeds'} would settle it, if it stays at ${signedPoints(mean)}`;
}

/** A difference of shares in points, with its sign. */
export function signedPoints(share: number): string {
  return `${share >= 0 ? '+' : '-'}${Math.abs(100 * share).toFixed(1)}`;
}
