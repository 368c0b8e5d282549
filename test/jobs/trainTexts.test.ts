import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError, UsageError } from '../../src/core/errors.ts';
import * as ops from '../../src/graph/functions.ts';
import { type TextLesson, type TrainTextsOptions, trainTexts } from '../../src/jobs/trainTexts.ts';
import { linear } from '../../src/nn/layers.ts';
import { linearSpecs } from '../../src/nn/parameters.ts';
import type { Term } from '../../src/tasks/text/objective.ts';
import { maskedTokens } from '../../src/tasks/text/objectives/maskedTokens.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, weightsOf } from './runs.ts';
import { messages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

interface Rated {
  readonly text: string;
  readonly rating: number;
}

/** Words behind masks, and a number for each text: how many letters "e" it has, of its letters. */
const lesson: TextLesson<Rated> = {
  examples: messages(60).map((text) => ({ text, rating: text.split('e').length / text.length })),
  heldOut: messages(20, 3).map((text) => ({ text, rating: text.split('e').length / text.length })),
  heads: ['maskedLm', 'pooled'],
  objective({ vocabulary, seed }) {
    const words = maskedTokens({ vocabulary, probability: 0.3, wholeWord: false, seed });
    return {
      ...words,
      name: 'words and ratings',
      terms: {
        ...words.terms,
        rating: {
          head: 'pooled',
          target: { dtype: 'float32', size: () => 1 },
          parameters: ({ hiddenSize }) => linearSpecs('rating', hiddenSize, 1),
          loss(vectors, ratings, scope) {
            const error = ops.subtract(linear(scope, 'rating', vectors), ratings);
            return ops.sum(ops.multiply(error, error), [1]);
          },
        },
      },
      read(example, number, epoch) {
        const { ids, asked } = words.read(example, number, epoch);
        return { ids, asked: { ...asked, rating: { targets: [example.rating] } } };
      },
    };
  },
};

const run = (output: string, hooks = listening(), options: Partial<TrainTextsOptions> = {}) =>
  trainTexts(
    {
      model: at('base'),
      output: at(output),
      maxSteps: 9,
      batchSize: 8,
      accumulationSteps: 2,
      saveSteps: 2,
      ...options,
    },
    lesson,
    hooks,
  );

describe('an objective of one own', () => {
  beforeAll(async () => {
    await saveTinyModel(at('base'));
    await run('whole');
  });

  test('is learned, measured before and after', async () => {
    const hooks = listening();
    const result = await run('learned', hooks, { maxSteps: 60, learningRate: 3e-3, accumulationSteps: 1 });
    expect(result.lossAfter).toBeLessThan((result.lossBefore ?? 0) - 0.5);
    expect(hooks.events.filter(({ type }) => type === 'evaluation')).toHaveLength(2);
  });

  test('stopped and resumed it ends with the same bits', async () => {
    await expect(run('stopped', listening(5))).rejects.toThrow(InterruptedError);
    await run('stopped', listening(), { resume: true });
    expect(weightsOf(at('stopped')).equals(weightsOf(at('whole')))).toBe(true);
  });

  test('goes on with the same examples and objective alone', async () => {
    await expect(run('changed', listening(5))).rejects.toThrow(InterruptedError);
    const resume = { model: at('base'), output: at('changed'), maxSteps: 9, batchSize: 8, accumulationSteps: 2 };
    const examples = lesson.examples.map((example, i) => (i === 7 ? { ...example, rating: 1 } : example));
    await expect(trainTexts({ ...resume, resume: true }, { ...lesson, examples })).rejects.toThrow(
      /1 setting changed: texts \(/,
    );
    const renamed: typeof lesson = {
      ...lesson,
      objective: (about) => ({ ...lesson.objective(about), name: 'another' }),
    };
    await expect(trainTexts({ ...resume, resume: true }, renamed)).rejects.toThrow(
      /objective \("words and ratings", now "another"\)/,
    );
  });

  test('what cannot be trained is refused by name, and nothing is left of it', async () => {
    const options = { model: at('base'), output: at('refused') };
    const refused = (changes: Partial<typeof lesson>) => trainTexts(options, { ...lesson, ...changes });
    await expect(refused({ heads: ['maskedLm'] })).rejects.toThrow(
      new UsageError('objective: term rating: its head pooled is not among heads (maskedLm)'),
    );
    await expect(refused({ examples: [] })).rejects.toThrow('examples holds no text to train on');
    const own = lesson.objective;
    const reading = (changes: object) =>
      refused({
        objective: (about) => {
          const objective = own(about);
          const read: typeof objective.read = (example, number, epoch) => ({
            ...objective.read(example, number, epoch),
            ...changes,
          });
          return { ...objective, read };
        },
      });
    const words = { places: [], targets: [] };
    await expect(reading({ asked: { words, rating: { targets: [] } } })).rejects.toThrow(
      /^objective words and ratings, example \d+: term rating: targets must have 1 numbers, got 0$/,
    );
    await expect(reading({ asked: { words, rating: { targets: [Number.NaN] } } })).rejects.toThrow(
      /finite numbers, got NaN/,
    );
    await expect(reading({ asked: { words: { places: [99], targets: [1] } } })).rejects.toThrow(
      /places must be from 0 to/,
    );
    await expect(reading({ asked: { words, ratings: { targets: [1] } } })).rejects.toThrow(/asked names ratings/);
    await expect(reading({ ids: [-1] })).rejects.toThrow(/ids must be token ids from 0 to/);
    await expect(refused({ objective: (about) => ({ ...own(about), name: '' }) })).rejects.toThrow(
      /name must be a text/,
    );
    const scalar: typeof lesson.objective = (about) => {
      const objective = own(about);
      const rating = objective.terms.rating as Term;
      const loss: Term['loss'] = (...given) => ops.sum(rating.loss(...given), [0]);
      return { ...objective, terms: { ...objective.terms, rating: { ...rating, loss } } };
    };
    await expect(refused({ objective: scalar })).rejects.toThrow(
      /term rating: loss must give \[\d+\], one for each place/,
    );
    const signal = new AbortController() as unknown as AbortSignal; // the slip that types catch and JavaScript does not
    await expect(trainTexts(options, lesson, { signal })).rejects.toThrow(/signal must be an AbortSignal/);
    // @ts-expect-error: an option of another job
    await expect(trainTexts({ ...options, evalFraction: 0.1 }, lesson)).rejects.toThrow(
      /trainTexts does not take evalFraction/,
    );
    // @ts-expect-error: no option
    await expect(trainTexts({ ...options, learningrate: 1 }, lesson)).rejects.toThrow(/learningrate.*learningRate/);
    expect(existsSync(at('refused'))).toBe(false);
  });
});
