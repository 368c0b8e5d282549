import { say, setting } from '../../core/message.ts';
import type { Engine } from '../../engine/engine.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { vectorLearner } from '../../tasks/learner.ts';
import { foldsOfExamples, outOfFold } from '../../tasks/outOfFold.ts';
import type { AdaptStart } from '../adapting/start.ts';
import { auditedLabels } from '../auditing/classes.ts';
import { classNumbers } from '../classNumbers.ts';
import { frozenVectors } from '../frozenVectors.ts';
import { note } from '../note.ts';
import { readLabels, withTexts } from '../readLabels.ts';
import { spread } from '../startVectors.ts';
import { promptOf, sequenceLength } from '../textModel.ts';
import type { DataOptions, JobHooks } from '../types.ts';

/** Tells whether labels are told from a model's vectors, text by text. */
export interface LabelProbe {
  readonly texts: number;
  readonly classes: number;
  /** Whether each text was answered rightly by a classifier that was fitted to the others' vectors [texts]. */
  right(values: ParameterValues): Promise<Uint8Array>;
}

/** Texts that are enough: vectors of them are made after each short run. */
const enough = 1000;

export interface ProbeOptions {
  readonly data: DataOptions;
  readonly start: AdaptStart;
  readonly maxLength?: number;
  readonly seed: number;
  readonly engine: Engine;
  readonly hooks: JobHooks;
}

/**
 * A linear classifier on the vectors of labeled texts, measured in folds.
 *
 * @throws UsageError for columns or labels to change; BertuneError for files that cannot be read
 */
export async function labelProbe({ data, start, maxLength, seed, engine, hooks }: ProbeOptions): Promise<LabelProbe> {
  const flag = setting('train');
  const set = withTexts(await readLabels(data, flag, hooks, 'single texts'), flag, hooks);
  const labels = auditedLabels(set, flag);
  const kept = spread([...set.texts.keys()], enough);
  if (kept.length < set.texts.length) {
    note(
      hooks,
      say`${flag} has ${set.texts.length} texts; ${kept.length} of them, evenly among the others, are looked at`,
    );
  }
  const texts = kept.map((i) => set.texts[i] as string);
  const examples = {
    texts: Int32Array.from(texts.keys()),
    labels: classNumbers(
      kept.map((i) => set.labels[i] as string),
      labels,
      flag,
    ),
    classes: labels.length,
  };
  const folds = foldsOfExamples(examples, texts, seed, set.groups && kept.map((i) => set.groups?.[i] as string));
  const encoder = {
    ...{ engine, model: start.model, tokenizer: start.tokenizer },
    maxLength: sequenceLength(start, start.sentence ? undefined : maxLength, start.name),
    prompt: promptOf(start.sentence ?? null, {}, start.name),
    lowerCase: start.sentence?.lowerCase,
    cache: false,
  } as const;
  const silent = { signal: hooks.signal };
  let c: number | undefined;
  return {
    texts: texts.length,
    classes: labels.length,
    async right(values) {
      const vectors = await frozenVectors({ ...encoder, values }, texts, silent);
      const learner = vectorLearner(engine, texts, vectors, hooks.signal);
      // What suits the start suits what comes of it.
      c ??= await learner.chooseC(examples, seed);
      const { logProbabilities } = await outOfFold({ learner, examples, folds, c });
      return Uint8Array.from(texts.keys(), (i) => {
        const row = logProbabilities.subarray(i * labels.length, (i + 1) * labels.length);
        return Number(row.indexOf(Math.max(...row)) === examples.labels[i]);
      });
    },
  };
}
