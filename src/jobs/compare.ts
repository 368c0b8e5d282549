import { UsageError } from '../core/errors.ts';
import { removeFolder, temporaryFolder } from '../core/files.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import { type Comparison, compareAnswers } from '../evaluation/comparison.ts';
import { type Summary, summarize } from '../evaluation/paired.ts';
import type { OptionsOf, Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { costOfUse, type FactsBeside, factsBeside, type Use } from './comparing/beside.ts';
import { modelDigest } from './comparing/modelDigest.ts';
import { findModel } from './findModel.ts';
import { finetune } from './finetune.ts';
import { answeredRightly } from './heldOutAnswers.ts';
import { activity, note } from './note.ts';
import type { JobHooks } from './types.ts';

export interface CompareOptions extends OptionsOf<'compare'> {}

export interface CompareResult {
  readonly method: string;
  /** Runs of each model, each with a seed of its own: other draws of labels, other random starts. */
  readonly seeds: number;
  readonly texts: number;
  /** The first is what the others are compared with. */
  readonly models: readonly ComparedModel[];
}

export interface ComparedModel extends FactsBeside, Use {
  readonly model: string;
  /** Of the test texts, by seed. */
  readonly accuracies: readonly number[];
  readonly accuracy: Summary;
  /** What it gains over the first model; absent of the first. */
  readonly gain?: Comparison;
  /** Of one run, on average: training, and measuring on the test texts. */
  readonly seconds: number;
}

/**
 * Whether one model is a better start than another: fine-tunes each on the same labels and measures it on the same texts,
 * for several seeds, and says by how much they differ and how sure that is. Nothing is kept of what is trained.
 *
 * @throws UsageError for options, paths, columns or labels to change; BertuneError for files that cannot be used;
 * InterruptedError
 */
export async function compare(options: CompareOptions, hooks: JobHooks = {}): Promise<CompareResult> {
  const settings = resolve('compare', options);
  const { models, method } = settings;
  await checkModels(models, settings, hooks);
  const seen = await measuredModels(settings, hooks);
  const [first, ...others] = seen;
  if (!first) throw new Error('internal: no model');
  const gains = compareAnswers(
    first.right,
    others.map(({ right }) => right),
  );
  const facts: ComparedModel[] = [];
  for (const [i, { model, right, seconds, use }] of seen.entries()) {
    throwIfAborted(hooks.signal);
    const accuracies = right.map((row) => row.reduce((sum, is) => sum + Number(is), 0) / row.length);
    const gain = i === 0 ? undefined : gains[i - 1];
    facts.push({
      ...{ model, accuracies, accuracy: summarize(accuracies) },
      ...(gain ? { gain } : {}),
      seconds: seconds / right.length,
      ...(use ?? { bytes: 0, textsPerSecond: 0 }),
      ...(await factsBeside(model, settings, hooks)),
    });
  }
  return { method, seeds: first.right.length, texts: first.right[0]?.length ?? 0, models: facts };
}

/** @throws UsageError for fewer than two models, and for one that is given twice, by whatever name */
async function checkModels(
  models: readonly string[],
  { offline }: Pick<Resolved<'compare'>, 'offline'>,
  hooks: JobHooks,
): Promise<void> {
  if (models.length < 2) throw new UsageError(say`${setting('models')}: give two models or more to compare`);
  const seen = new Map<string, string>();
  for (const model of models) {
    throwIfAborted(hooks.signal);
    const digest = await modelDigest(await findModel(model, { offline }, hooks));
    const other = seen.get(digest);
    if (other !== undefined) {
      const twice = other === model ? say`${model} is given twice` : say`${model} is the same model as ${other}`;
      throw new UsageError(say`${setting('models')}: ${twice}; leave one of them out`);
    }
    seen.set(digest, model);
  }
}

/** A model's runs: whether each text was answered rightly, by seed. */
interface Measured {
  readonly model: string;
  readonly right: boolean[][];
  seconds: number;
  use?: Use;
}

async function measuredModels(settings: Resolved<'compare'>, hooks: JobHooks): Promise<Measured[]> {
  const { models, seeds, seed } = settings;
  const measured: Measured[] = models.map((model) => ({ model, right: [], seconds: 0 }));
  const folder = temporaryFolder();
  try {
    for (let i = 0; i < seeds; i++) {
      for (const [k, each] of measured.entries()) {
        throwIfAborted(hooks.signal);
        const done = i * models.length + k;
        const total = seeds * models.length;
        hooks.onEvent?.({ type: 'progress', ...activity(say`training and measuring`), done, total });
        const texts = await run(each, folder, seed + i, settings, i === 0 ? hooks : quiet(hooks));
        const kept = each.right[i]?.length ?? 0;
        if (done === 0 && texts > kept) {
          note(
            hooks,
            say`${setting('eval')} has ${texts} texts; ${kept} of them, evenly among the others, are compared by`,
          );
        }
      }
      if (i === 1 && measured.every(({ right }) => isSame(right[0], right[1]))) {
        for (const { right } of measured) right.length = 1;
        note(
          hooks,
          say`a seed changes nothing here: all labels are used, and ${setting('method')} ${settings.method} has no random start; measured once`,
        );
        break;
      }
    }
  } finally {
    removeFolder(folder);
  }
  return measured;
}

/** Fine-tunes a model once and adds what it answered. @returns how many test texts there are: of many, a part is kept */
async function run(
  measured: Measured,
  folder: string,
  seed: number,
  settings: Resolved<'compare'>,
  hooks: JobHooks,
): Promise<number> {
  const {
    train,
    eval: held,
    evalLimit,
    method,
    trainLimit,
    labelsPerClass,
    maxLength,
    threads,
    device,
    offline,
  } = settings;
  const began = performance.now();
  await finetune(
    {
      ...{
        model: measured.model,
        output: folder,
        overwrite: true,
        seed,
        train,
        eval: held,
        method,
        report: false,
        reportTexts: false,
      },
      ...{ evalLimit, trainLimit, labelsPerClass, maxLength, threads, device, offline },
    },
    { signal: hooks.signal, onEvent: (event) => event.type === 'note' && hooks.onEvent?.(event) },
  );
  measured.seconds += (performance.now() - began) / 1000;
  const { right, of } = answeredRightly(folder);
  measured.right.push(right);
  measured.use ??= await costOfUse(folder, settings, hooks);
  return of;
}

/** What is said once need not be said for every seed. */
function quiet({ signal }: JobHooks): JobHooks {
  return { signal };
}

function isSame(a: readonly boolean[] = [], b: readonly boolean[] = []): boolean {
  return a.length === b.length && a.every((is, i) => is === b[i]);
}
