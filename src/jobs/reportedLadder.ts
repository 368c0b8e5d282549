import { z } from 'zod';
import type { LadderOfRun } from '../report/run.ts';

/** How methods did that competed for a run, as its result tells; undefined where one was asked for. */
export function ladderOf(result: unknown): LadderOfRun | undefined {
  return z.union([labels, targets, tokens]).safeParse(result).data;
}

const interval = z.object({ mean: z.number(), low: z.number(), high: z.number() });
const left = z.array(z.object({ method: z.string(), reason: z.string() }));

/** Of one label a text. */
const labels = z
  .object({
    ladder: z.object({
      chosen: z.string(),
      rungs: z.array(
        z.object({
          ...{ method: z.string(), adapted: z.boolean().optional(), accuracy: z.number().nullable() },
          ...{ low: z.number(), high: z.number(), texts: z.number(), difference: interval.nullable() },
          ...{ seconds: z.number(), bytes: z.number() },
        }),
      ),
      left,
    }),
  })
  .transform(
    ({ ladder: { chosen, rungs, left } }): LadderOfRun => ({
      ...{ chosen, measure: 'right', isShare: true, differs: 'points of it', left },
      rungs: rungs.map(({ accuracy, ...rung }) => ({ ...rung, score: accuracy })),
    }),
  );

/** Of several labels or a number. JSON knows no NaN and writes null for it. */
const targets = z
  .object({
    ladder: z.object({
      ...{ chosen: z.string(), measure: z.string(), error: z.string() },
      rungs: z.array(
        z.object({
          ...{ method: z.string(), score: z.number().nullable(), texts: z.number() },
          ...{ difference: interval.nullable(), seconds: z.number() },
        }),
      ),
      left,
    }),
  })
  .transform(
    ({ ladder: { chosen, measure, error, rungs, left } }): LadderOfRun => ({
      ...{ chosen, measure, isShare: false, differs: error, rungs, left },
    }),
  );

/** Of labels on tokens. */
const tokens = z
  .object({
    method: z.string(),
    tried: z.array(
      z.object({ method: z.string(), f1: z.number().nullable(), texts: z.number(), reason: z.string().optional() }),
    ),
  })
  .transform(({ method, tried }): LadderOfRun => {
    const isLeft = (one: { readonly reason?: string }) => one.reason !== undefined;
    return {
      ...{ chosen: method, measure: 'F1 of entities', isShare: false, differs: '' },
      rungs: tried
        .filter((one) => !isLeft(one))
        .map(({ method, f1, texts }) => ({ method, score: f1, texts, difference: null })),
      left: tried.filter(isLeft).map(({ method, reason = '' }) => ({ method, reason })),
    };
  });
