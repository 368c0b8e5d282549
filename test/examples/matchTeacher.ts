import { loadModel } from 'bertune';
import {
  linear,
  linearSpecs,
  maskedTokens,
  ops,
  type Term,
  type TrainTextsOptions,
  trainTexts,
  type Value,
} from 'bertune/train';

/** Rows of x [N, D] divided by their lengths. */
function unitRows(x: Value): Value {
  return ops.divide(x, ops.sqrt(ops.sum(ops.multiply(x, x), [1], true)));
}

/** One minus the cosine between a text's mean vector, through a linear map, and the teacher's vector of it. */
function likeTeacher(dimensions: number): Term {
  return {
    head: 'pooled',
    target: { dtype: 'float32', size: () => dimensions },
    parameters: ({ hiddenSize }) => linearSpecs('toTeacher', hiddenSize, dimensions),
    loss(vectors, targets, scope) {
      const mapped = linear(scope, 'toTeacher', vectors);
      const cosine = ops.sum(ops.multiply(unitRows(mapped), unitRows(targets)), [1]);
      return ops.subtract(scope.graph.scalar(1), cosine);
    },
  };
}

/** Teaches the model that `options` name the sentence vectors of another; masked words keep it a language model. */
export async function matchTeacher(options: TrainTextsOptions, teacher: string, texts: readonly string[]) {
  const guide = await loadModel(teacher);
  const vectors = await guide.embed(texts).finally(() => guide.dispose());
  const examples = texts.map((text, i) => ({ text, vector: vectors[i] ?? [] }));
  const heldOut = examples.splice(0, Math.ceil(texts.length / 10));
  return trainTexts(
    { batchSize: 32, learningRate: 5e-4, ...options },
    {
      ...{ examples, heldOut },
      heads: ['maskedLm', 'pooled'],
      objective({ vocabulary, seed }) {
        const words = maskedTokens({ vocabulary, probability: 0.15, wholeWord: true, seed });
        return {
          name: 'teacher vectors and masked words',
          metric: { name: 'loss', goal: 'lower' },
          terms: { teacher: likeTeacher(vectors[0]?.length ?? 0), ...words.terms },
          read(example, number, epoch) {
            const { ids, asked } = words.read(example, number, epoch);
            // Each text counts once for its vector, and a tenth of that for all of its masked words.
            const weight = 0.1 / Math.max(1, asked.words?.places?.length ?? 0);
            const masked = { places: [], targets: [], ...asked.words, weight };
            return { ids, asked: { teacher: { targets: example.vector }, words: masked } };
          },
        };
      },
    },
  );
}
