import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { conformalRow, fitSets, type SetKind, setOf } from '../../../src/evaluation/trust/conformal.ts';
import { controlRisk } from '../../../src/evaluation/trust/riskControl.ts';

interface References {
  readonly sets: readonly {
    readonly classes: number;
    readonly coverage: number;
    readonly probabilities: number[];
    readonly labels: number[];
    readonly tests: number[];
    readonly adaptive: number[][];
    readonly perClass: number[][];
  }[];
  readonly risk: readonly {
    readonly mostWrong: number;
    readonly confidence: number;
    readonly sure: number[];
    readonly right: number[];
    readonly thresholds: number[];
    /** Number of the threshold; empty where there is none. */
    readonly found: number[];
  }[];
}

const references: References = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/trust/sets.json'), 'utf8'),
);

function rowsOf(values: readonly number[], size: number): number[][] {
  return Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
}

describe.each(references.sets)('sets of $classes labels for $coverage', (one) => {
  const { classes, labels, coverage } = one;
  const rows = rowsOf(one.probabilities, classes).map((row, i) => conformalRow(row, labels[i] as number));
  const setsBy = (kind: SetKind) => {
    const rule = fitSets(rows, classes, kind, coverage);
    return rowsOf(one.tests, classes).map((row) => setOf(row, rule).sort((a, b) => a - b));
  };

  test("adaptive ones are those of MAPIE's sums and quantile", () => {
    expect(setsBy('adaptive')).toEqual(one.adaptive);
  });

  test('those of each label are what MAPIE makes of the texts of that label alone', () => {
    expect(setsBy('per-class')).toEqual(one.perClass);
  });
});

test.each(references.risk)(
  'at most $mostWrong wrong, $confidence sure: the threshold is that of MAPIE and scipy',
  (one) => {
    const { mostWrong, confidence, thresholds, found } = one;
    const own = controlRisk({ confidence: one.sure, right: one.right }, { mostWrong, confidence, thresholds });
    expect(own?.threshold).toBe(found[0] === undefined ? undefined : thresholds[found[0]]);
  },
);
