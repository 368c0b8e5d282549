import { counted } from '../core/errors.ts';
import type { AdaptResult, MaskedLmResult } from '../jobs/types.ts';
import { quantity, speed, table } from './format.ts';

/** Held-out loss and perplexity before and after a run, what it took, and whether it helped. */
export function trainingReport(result: AdaptResult, { verdict }: { verdict: boolean }): string {
  const lines = [
    table(
      [
        ['', 'before', '', 'after'],
        ['held-out loss', decimals(result.evalLossBefore, 4), '->', decimals(result.evalLossAfter, 4)],
        ['perplexity', decimals(result.perplexityBefore, 2), '->', decimals(result.perplexityAfter, 2)],
      ],
      ['left'],
    ),
  ];
  if (verdict) lines.push(verdictOf(result));
  if (result.vectors) lines.push(vectorsLine(result.vectors));
  lines.push(
    '',
    [counted(result.steps, 'step'), counted(result.tokens, 'token'), ...speed(result.tokensPerSecond)].join(', '),
    `model saved to ${result.output}`,
  );
  return lines.join('\n');
}

/** Fixed-mask loss and perplexity. */
export function maskedLmReport(result: MaskedLmResult): string {
  return table(
    [
      ['masked-token loss', result.loss.toFixed(4)],
      ['perplexity', result.perplexity.toFixed(2)],
      ['masked tokens', quantity(result.count)],
      ['texts', quantity(result.texts)],
    ],
    ['left', 'right'],
  );
}

function vectorsLine({ kept, neighbours, texts }: NonNullable<AdaptResult['vectors']>): string {
  return `vectors: ${(100 * kept).toFixed(1)} % of the ${neighbours} nearest of each of ${quantity(texts)} held-out texts stay`;
}

function verdictOf({ evalLossBefore, evalLossAfter }: AdaptResult): string {
  if (evalLossBefore === null || evalLossAfter === null) return 'not measured: no text was held out';
  return evalLossAfter < evalLossBefore ? 'helped' : 'did not help';
}

function decimals(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}
