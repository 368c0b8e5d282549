import { z } from 'zod';
import type { Resolved } from '../../settings/options.ts';
import type { RunRecord } from '../runRecord.ts';
import type { Ladder, TargetLadder } from '../types.ts';
import { methodNames } from './methods.ts';

/** What a run works out, as its record keeps it for one that goes on. */

/** The settings with what a run that is gone on with had worked out: what suits may be another now. */
export function asBegan(given: Resolved<'finetune'>, record: RunRecord | undefined): Resolved<'finetune'> {
  const began = worked.safeParse(record?.configuration ?? {}).data;
  if (!record || !began) return given;
  const { learningRate, batchSize, warmup, method, epochs } = began;
  // Runs of versions that had one method do not name it.
  const named = ladderIn(record) ? undefined : (method ?? 'finetune');
  return {
    ...given,
    learningRate: given.learningRate ?? learningRate,
    batchSize: given.batchSize ?? batchSize,
    warmup: given.warmup ?? warmup,
    epochs: given.epochs ?? (given.maxSteps === undefined ? epochs : undefined),
    method: given.method ?? named,
  };
}

/** What an interrupted run had found to do best. */
export function ladderIn(record: RunRecord | undefined): Ladder | undefined {
  return worked.safeParse(record?.configuration ?? {}).data?.ladder as Ladder | undefined;
}

/** The same of a run that learns several labels or a number. */
export function targetLadderIn(record: RunRecord | undefined): TargetLadder | undefined {
  return z.object({ ladder: targetLadder }).safeParse(record?.configuration ?? {}).data?.ladder;
}

const targetMethod = z.enum(['words', 'frozen', 'finetune']);
const targetLadder = z.object({
  chosen: targetMethod,
  measure: z.string(),
  error: z.string(),
  rungs: z.array(
    z.object({
      method: targetMethod,
      score: z.number(),
      difference: z.object({ mean: z.number(), low: z.number(), high: z.number() }).nullable(),
      texts: z.number(),
      seconds: z.number(),
    }),
  ),
  left: z.array(z.object({ method: z.enum(methodNames), reason: z.string() })),
});

const worked = z.object({
  learningRate: z.number().optional(),
  batchSize: z.number().optional(),
  warmup: z.number().optional(),
  epochs: z.number().optional(),
  method: z.enum(methodNames).optional(),
  ladder: z
    .looseObject({
      chosen: z.enum(methodNames),
      wordsWeight: z.number().optional(),
      adapted: z.literal(true).optional(),
      temperature: z.number().optional(),
    })
    .optional(),
});
