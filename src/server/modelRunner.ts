import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { Turns } from '../core/turns.ts';
import type { Answered } from '../jobs/answers/answerKind.ts';
import { answerKinds } from '../jobs/answers/table.ts';
import { notExplained } from '../jobs/explaining.ts';
import { type MaskedText, type OpenModel, openModel } from '../jobs/model.ts';
import { inCodePoints } from '../jobs/tokens/tokenAnswers.ts';
import { asksTrust } from '../jobs/trust/decisions.ts';
import { type TrustedAnswers, trustedAnswers } from '../jobs/trust/trustedAnswers.ts';
import type { Explanation, JobHooks } from '../jobs/types.ts';
import type {
  Answer,
  BatchRequest,
  ExplainQuestion,
  ModelInfo,
  ModelSetup,
  Outcome,
  Question,
  Task,
} from './protocol.ts';

/** A loaded model that computes batches, each in one call that holds its thread. */
export interface ModelRunner {
  readonly info: ModelInfo;
  /** What loading had to say. */
  readonly notes: readonly string[];
  run(batch: BatchRequest): Promise<Outcome[]>;
  /** What the words of texts do to their labels; batches that come meanwhile have their turn between its passes. */
  explain(question: ExplainQuestion, signal: AbortSignal): Promise<Outcome<Explanation>>;
  close(): Promise<void>;
}

/** Loads a model for the server. Throws what `loadModel` throws. */
export async function createRunner({
  model: found,
  name,
  threads,
  device,
  maxLength,
  int8,
  trusted,
}: ModelSetup): Promise<ModelRunner> {
  const notes: string[] = [];
  const onNote = (text: string) => {
    notes.push(text);
  };
  const hooks: JobHooks = { onEvent: (event) => event.type === 'note' && onNote(event.text) };
  const model = await openModel(found, { threads, device, maxLength, int8, onNote });
  const tasks: Task[] = [
    ...(model.kind ? (['predict'] as const) : []),
    ...(model.heads.includes('maskedLm') ? (['fill-mask'] as const) : []),
    ...(model.dimensions.all > 0 ? (['embed'] as const) : []),
  ];
  const answers = model.kind ? await trustedAnswers(model, trusted ?? {}, hooks) : undefined;
  if (!answers && asksTrust(trusted ?? {})) onNote(`${name} is no classifier: it leaves no text unlabeled`);
  await warmUp(model, tasks);
  const { labels, kind, pairs, maskToken, dimensions, prompts } = model;
  const turns = new Turns();
  const explaining = new Turns();
  return {
    info: {
      ...{ name, tasks, labels, pairs, maskToken, prompts },
      promised: [...(answers?.promised ?? [])],
      unexplained: kind === 'oneLabel' ? null : String(notExplained(kind, name)),
      answers: kind === 'tokenLabels' ? 'labels on tokens' : kind && answerKinds[kind].title,
      ...{ dimensions: dimensions.kept, mostDimensions: dimensions.all },
    },
    notes: [...notes],
    run: ({ task, questions }) => turns.during(() => answering[task](model, questions, answers)),
    explain: (question, signal) => explaining.during(() => explainInTurns(model, question, turns, signal)),
    // After what is being explained, whose signal is to be aborted first.
    close: () => explaining.during(() => turns.during(() => model.dispose())),
  };
}

/** How the questions of each task are answered. */
const answering: Readonly<
  Record<Task, (model: OpenModel, questions: readonly Question[], answers?: TrustedAnswers) => Promise<Outcome[]>>
> = {
  predict: predictAll,
  'fill-mask': fillMasksOfAll,
  embed: embedAll,
};

/**
 * What fails with a model fails when it is loaded, and the first caller does not wait for a program to be compiled. The
 * program of vectors takes memory that servers of other heads may have no use for.
 */
async function warmUp(model: OpenModel, tasks: readonly Task[]): Promise<void> {
  if (tasks.includes('predict')) await model.predict([model.pairs ? { text: 'a', pair: 'a' } : 'a']);
  if (tasks.includes('fill-mask')) await model.fillMask(model.maskToken, { topK: 1 });
  if (tasks.length === 1 && tasks.includes('embed')) await model.embed(['a']);
}

/** Lets others have their turn before each block of the computation. */
async function explainInTurns(
  model: OpenModel,
  { texts, offsets = 'code-points' }: ExplainQuestion,
  turns: Turns,
  signal: AbortSignal,
): Promise<Outcome<Explanation>> {
  let end = await turns.take();
  const pause = async () => {
    end();
    await breathe(signal);
    end = await turns.take();
  };
  try {
    return { answers: await model.explain(texts, { offsets }, pause) };
  } catch (error) {
    return { error: messageOf(error), isCallers: error instanceof UsageError };
  } finally {
    end();
  }
}

async function predictAll(
  model: OpenModel,
  questions: readonly Question[],
  answers: Pick<TrustedAnswers, 'answered'> = model,
): Promise<Outcome[]> {
  const all = await answers.answered(questions.flatMap(({ texts }) => texts));
  let next = 0;
  return questions.map(({ texts, topK, offsets }) => ({
    answers: texts.map((text) => {
      const { answer, scores } = all[next++] as Answered;
      if ('entities' in answer) return offsets === 'utf-16' ? answer : inCodePoints(answer, text);
      return { ...answer, ...(scores.length > 0 ? { scores: scores.slice(0, topK) } : {}) };
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

/** Texts that begin alike are computed together, whatever is kept of their vectors. */
async function embedAll(model: OpenModel, questions: readonly Question[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const alike = new Map<string, number[]>();
  for (const [i, { vectors: { prompt, promptText } = {} }] of questions.entries()) {
    const key = JSON.stringify([prompt, promptText]);
    alike.set(key, [...(alike.get(key) ?? []), i]);
  }
  for (const members of alike.values()) {
    const asked = members.map((i) => questions[i] as Question);
    for (const [n, outcome] of (await embedAlike(model, asked)).entries()) outcomes[members[n] as number] = outcome;
  }
  return outcomes;
}

async function embedAlike(model: OpenModel, questions: readonly Question[]): Promise<Outcome[]> {
  const { prompt, promptText } = questions[0]?.vectors ?? {};
  const { all, kept } = model.dimensions;
  const texts = questions.flatMap((question) => question.texts);
  try {
    const { vectors, tokens } = await model.embedCounted(texts, { prompt, promptText, truncateDimensions: all });
    let next = 0;
    return questions.map(({ texts, vectors: { truncateDimensions = kept } = {} }) => ({
      answers: texts.map(() => {
        const vector = (vectors[next] as Float32Array).subarray(0, truncateDimensions);
        return { vector, tokens: tokens[next++] as number };
      }),
    }));
  } catch (error) {
    return questions.map(() => ({ error: messageOf(error), isCallers: error instanceof BertuneError }));
  }
}
