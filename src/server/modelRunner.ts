import { BertuneError, messageOf } from '../core/errors.ts';
import { type MaskedText, type OpenModel, openModel } from '../jobs/model.ts';
import type { Answer, BatchRequest, ModelInfo, ModelSetup, Outcome, Question, Task } from './protocol.ts';

/** A loaded model that computes batches, each in one call that holds its thread. */
export interface ModelRunner {
  readonly info: ModelInfo;
  /** What loading had to say. */
  readonly notes: readonly string[];
  run(batch: BatchRequest): Promise<Outcome[]>;
  close(): Promise<void>;
}

/** Loads a model for the server. Throws what `loadModel` throws, and BertuneError for one without a head to serve. */
export async function createRunner({ model: found, name, threads, maxLength, int8 }: ModelSetup): Promise<ModelRunner> {
  const notes: string[] = [];
  const onNote = (text: string) => {
    notes.push(text);
  };
  const model = await openModel(found, { threads, maxLength, int8, onNote });
  const tasks: Task[] = [
    ...(model.heads.includes('oneLabel') ? (['predict'] as const) : []),
    ...(model.heads.includes('maskedLm') ? (['fill-mask'] as const) : []),
  ];
  if (tasks.length === 0) {
    await model.dispose();
    throw new BertuneError(`${name} has neither a classification head nor an MLM head: there is nothing to serve`);
  }
  await warmUp(model, tasks);
  return {
    info: { name, tasks, labels: model.labels, maskToken: model.maskToken },
    notes: [...notes],
    run: async ({ task, questions }) =>
      task === 'predict' ? predictAll(model, questions) : fillMasksOfAll(model, questions),
    close: () => model.dispose(),
  };
}

/** What fails with a model fails when it is loaded, and the first caller does not wait for a program to be compiled. */
async function warmUp(model: OpenModel, tasks: readonly Task[]): Promise<void> {
  if (tasks.includes('predict')) await model.scores(['a']);
  if (tasks.includes('fill-mask')) await model.fillMask(model.maskToken, { topK: 1 });
}

async function predictAll(model: OpenModel, questions: readonly Question[]): Promise<Outcome[]> {
  const all = await model.scores(questions.flatMap(({ texts }) => texts));
  let next = 0;
  return questions.map(({ texts, topK }) => ({
    answers: texts.map(() => {
      const scores = all[next++] ?? [];
      return { label: scores[0]?.label ?? '', score: scores[0]?.score ?? 0, scores: scores.slice(0, topK) };
    }),
  }));
}

/** A question with a text that cannot be run gets an error of its own; the others are none the worse for it. */
async function fillMasksOfAll(model: OpenModel, questions: readonly Question[]): Promise<Outcome[]> {
  const prepared = questions.map(({ texts }) => prepareAll(model, texts));
  const runnable = prepared.flatMap((texts, i) =>
    Array.isArray(texts) ? texts.map((text) => ({ text, ranking: { topK: questions[i]?.topK ?? 1 } })) : [],
  );
  const results = await model.rankMasks(
    runnable.map(({ text }) => text),
    runnable.map(({ ranking }) => ranking),
  );
  let next = 0;
  return prepared.map((texts): Outcome => {
    if (!Array.isArray(texts)) return texts;
    return { answers: texts.map((): Answer => ({ masks: results[next++]?.masks ?? [] })) };
  });
}

function prepareAll(model: OpenModel, texts: readonly string[]): MaskedText[] | Extract<Outcome, { error: string }> {
  const prepared: MaskedText[] = [];
  for (const [i, text] of texts.entries()) {
    try {
      prepared.push(model.prepareMasks(text));
    } catch (error) {
      return { error: `texts/${i}: ${messageOf(error)}`, isCallers: error instanceof BertuneError };
    }
  }
  return prepared;
}
