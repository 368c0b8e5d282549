import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { Held } from '../report/held.ts';
import type { Classifier, Course, LanguageModel, ReportedRun, Row } from '../report/run.ts';
import { cardRows } from '../settings/card.ts';
import { readAnswers } from './heldOutAnswers.ts';
import { auditIn, auditOf } from './reportedAudit.ts';
import { ladderOf } from './reportedLadder.ts';
import { scoresOf, targetOf } from './reportedScores.ts';
import { outOfScopeOf } from './reportedTrust.ts';
import { type RunRecord, readRecord, recordFile } from './runRecord.ts';

/** How a run is to be reported. */
export interface Reporting {
  /** Whether texts may be in it. */
  readonly keepsTexts: boolean;
  /** A file of `audit`; where there is none, one that lies in the run's folder is taken. */
  readonly audit?: string;
}

/**
 * What the folder of a run has to report. What cannot be read beside its record is left out and told.
 *
 * @throws UsageError for a folder that holds no run; DamagedDocumentError, NewerFormatError for its record; what
 * `auditOf` throws for an audit that was named
 */
export async function readReportedRun(folder: string, { keepsTexts, audit }: Reporting): Promise<ReportedRun> {
  const record = readRecord(folder);
  if (!record) {
    throw new UsageError(
      say`${folder} holds no run (${recordFile}); give the ${setting('output')} of adapt, finetune or another training command`,
    );
  }
  const lacks: string[] = [];
  const part = async <T>(name: string, read: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof BertuneError)) throw error;
      lacks.push(`${name} cannot be read: ${messageOf(error)}`);
      return undefined;
    }
  };
  const held = await part('answers.json', () => readAnswers(folder));
  const course = await part('metrics.jsonl', () => readCourse(join(folder, 'metrics.jsonl')));
  const outOfScope = await part('trust', () => outOfScopeOf(folder));
  const own = auditIn(folder);
  const audited =
    audit === undefined
      ? await part('the audit', () => (own.path === undefined ? undefined : auditOf(own.path, keepsTexts)))
      : await auditOf(audit, keepsTexts, setting('audit'));
  if (audit === undefined && own.others.length > 0)
    lacks.push(`${own.others.join(' and ')} left out: ${basename(own.path ?? '')} is newer`);
  if (record.status !== 'finished') lacks.push('the run is not finished, so that there is no result yet');
  return {
    name: basename(resolve(folder)),
    ...{ command: record.command, startedAt: record.startedAt, finishedAt: record.finishedAt },
    ...{ facts: factsOf(record), settings: cardRows(record.configuration as Readonly<Record<string, unknown>>) },
    classifier: classifier.safeParse(record.result).data,
    languageModel: languageModel.safeParse(record.result).data,
    ...{ target: targetOf(record.result), scores: scoresOf(record.result), promises: record.trust },
    ...{ ladder: ladderOf(record.result), outOfScope, audit: audited },
    course: course && course.steps.length > 0 ? course : undefined,
    held: held && (keepsTexts ? held : withoutTexts(held)),
    lacks,
  };
}

function withoutTexts(held: Held): Held {
  return { ...held, texts: undefined, pairs: undefined };
}

/** Steps and evaluations of `metrics.jsonl`; a line that a killed run left half written ends it. */
function readCourse(path: string): Course | undefined {
  if (!existsSync(path)) return undefined;
  const steps: Course['steps'][number][] = [];
  const evaluations: Course['evaluations'][number][] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const found = metricsLine.safeParse(parsed(line)).data;
    if (!found) continue;
    if ('loss' in found) steps.push(found);
    else evaluations.push({ step: found.step, metrics: found.evaluation });
  }
  return { steps, evaluations };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Data, model and result in rows, as far as the record tells. */
function factsOf({ command, configuration, data = {}, base, about, result = {}, versions }: RunRecord): Row[] {
  const { model } = configuration as { readonly model?: unknown };
  const counts = Object.entries(data).flatMap(([name, value]) =>
    typeof value === 'number' ? [{ name: countNames[name] ?? name, value: value.toLocaleString('en-US') }] : [],
  );
  const { method } = result as { readonly method?: unknown };
  return [
    { name: 'command', value: command },
    ...(typeof method === 'string' ? [{ name: 'method', value: method }] : []),
    ...(typeof model === 'string' ? [{ name: 'started from', value: base?.repo ?? basename(model) }] : []),
    ...(about
      ? [
          // A classifier on words has none.
          ...(about.layers > 0 ? [{ name: 'layers × width', value: `${about.layers} × ${about.hiddenSize}` }] : []),
          { name: 'parameters', value: about.parameters.toLocaleString('en-US') },
        ]
      : []),
    ...counts,
    ...(versions.bertune ? [{ name: 'bertune', value: versions.bertune }] : []),
  ];
}

const countNames: Readonly<Record<string, string>> = {
  train: 'training texts',
  heldOut: 'held-out texts',
  described: 'descriptions of labels',
  texts: 'texts',
  sequences: 'sequences',
  tokens: 'tokens',
};

/** JSON knows no NaN and writes null for it. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const metricsLine = z.union([
  z.object({ step: z.number(), loss: number, learningRate: number }),
  z.object({ step: z.number(), evaluation: z.record(z.string(), z.number().nullable()) }),
]);
const classifier: z.ZodType<Classifier> = z.object({
  method: z.string().optional(),
  labels: z.array(z.string()),
  accuracy: number,
  macroF1: number,
  loss: number,
  count: z.number(),
  confusion: z.array(z.array(z.number())),
});
const measured = z.number().nullable();
const languageModel: z.ZodType<LanguageModel> = z
  .object({
    perplexityBefore: measured,
    perplexityAfter: measured,
    lossBefore: measured.optional(),
    evalLossBefore: measured,
    evalLossAfter: measured,
  })
  .transform(({ evalLossBefore, evalLossAfter, perplexityBefore, perplexityAfter }) => ({
    ...{ perplexityBefore, perplexityAfter, lossBefore: evalLossBefore, lossAfter: evalLossAfter },
  }));
