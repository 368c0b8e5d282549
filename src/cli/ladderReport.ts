import { formatBytes } from '../core/memory.ts';
import type { Ladder, Rung } from '../jobs/types.ts';
import { percent, quantity, table } from './format.ts';

/** The methods that were tried, with what they got right of held-out training texts, and those that were not. */
export function ladderReport({ chosen, adapted, rungs, left }: Ladder): string {
  const named = (rung: Pick<Rung, 'method' | 'adapted'>) => (rung.adapted ? `${rung.method}, adapted` : rung.method);
  const header = [
    'method, on folds of the training texts',
    'right',
    '95 % interval',
    `against ${named({ method: chosen, adapted })}`,
    'texts',
    'seconds',
    'size',
  ];
  const rows = rungs.map((rung) => [
    rung.difference === null && rung.method === chosen ? `${named(rung)} (chosen)` : named(rung),
    rung.accuracy === null ? '' : percent(rung.accuracy),
    rung.accuracy === null ? '' : `${percent(rung.low)} to ${percent(rung.high)}`,
    difference(rung),
    quantity(rung.texts),
    rung.seconds.toFixed(1),
    formatBytes(rung.bytes),
  ]);
  const others = left.map(({ method, reason }) => `${method} was not tried: ${reason}`);
  return [table([header, ...rows], ['left']), ...others].join('\n');
}

function difference({ difference }: Rung): string {
  if (!difference) return '';
  const points = (share: number) => `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
  return `${points(difference.mean)} (${points(difference.low)} to ${points(difference.high)})`;
}
