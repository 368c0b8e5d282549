import type { ClassificationResult } from '../jobs/types.ts';
import { percent, printable, quantity, shortened, table } from './format.ts';

/** Slices that are listed. */
const most = 12;

/** The slices of a column, those first that are worse beyond chance; '' where there are none. */
export function slicesReport({ slices: sliced }: ClassificationResult): string {
  if (!sliced) return '';
  const { column, slices } = sliced;
  const shown = (value: string) => shortened(printable(value), 32);
  const worse = slices.filter(({ isWorse }) => isWorse).map(({ value }) => shown(value));
  const verdict =
    worse.length > 0
      ? `worse than the rest, beyond chance: ${worse.join(', ')}`
      : 'no slice is shown to be worse than the rest';
  const rows = slices
    .slice(0, most)
    .map(({ value, texts, accuracy, low, high, others, p }) => [
      shown(value),
      percent(accuracy),
      `${percent(low)} to ${percent(high)}`,
      others === null ? '' : percent(others),
      p === null ? 'not tried' : p < 0.001 ? '< 0.001' : p.toFixed(3),
      quantity(texts),
    ]);
  const rest = slices.length > most ? [`and ${slices.length - most} more; --json has all`] : [];
  const header = [shown(column), 'right', '95 % interval', 'the others', 'chance', 'texts'];
  return ['\n\n', table([header, ...rows], ['left']), '\n', [...rest, verdict].join('\n')].join('');
}
