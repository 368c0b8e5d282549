import type { Scaling } from '../../evaluation/trust/scaling.ts';
import type { WordsWeights } from '../../models/words/words.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { WordsModel } from '../../tasks/words/wordsModel.ts';
import type { WordsBeside } from '../wordsPart.ts';

const [weightName, biasName] = ['classifier.weight', 'classifier.bias'] as const;

/**
 * A network's values with a scaling of its logits in the weights of its classifier, so that whatever reads the weights
 * has it.
 */
export function scaledValues(values: ParameterValues, scaling: Scaling): ParameterValues {
  const [weight, bias] = [values.get(weightName), values.get(biasName)];
  if (!weight || !bias || scaling.kind === 'none') return values;
  const classes = bias.length;
  const size = weight.length / classes;
  const { scales, shifts } = scaling;
  const isVector = scaling.kind === 'vector';
  // A scale of each class is of logits without their mean: so are the weights.
  const middle = new Float64Array(size + 1);
  if (isVector) {
    for (let c = 0; c < classes; c++) {
      for (let j = 0; j < size; j++) middle[j] = (middle[j] as number) + (weight[c * size + j] as number) / classes;
      middle[size] = (middle[size] as number) + (bias[c] as number) / classes;
    }
  }
  const scaled = weight.map(
    (value, i) => (scales[Math.floor(i / size)] as number) * (value - (middle[i % size] as number)),
  );
  const moved = bias.map(
    (value, c) => (scales[c] as number) * (value - (middle[size] as number)) + (shifts[c] as number),
  );
  return new Map([...values, [weightName, scaled], [biasName, moved]]);
}

/** A classifier on words with a scaling of its logits in its weights. */
export function scaledWords(model: WordsModel, scaling: Scaling, shifted = true): WordsModel {
  if (scaling.kind === 'none') return model;
  const { weights } = model;
  const { scales, shifts } = scaling;
  const classes = weights.bias.length;
  const isVector = scaling.kind === 'vector';
  const meanOf = (row: Float32Array) => (isVector ? row.reduce((sum, value) => sum + value, 0) / classes : 0);
  const weight = new Float32Array(weights.weight.length);
  for (let from = 0; from < weight.length; from += classes) {
    const row = weights.weight.subarray(from, from + classes);
    const mean = meanOf(row);
    for (let c = 0; c < classes; c++) weight[from + c] = (scales[c] as number) * ((row[c] as number) - mean);
  }
  const mean = meanOf(weights.bias);
  const bias = weights.bias.map(
    (value, c) => (scales[c] as number) * (value - mean) + (shifted ? (shifts[c] as number) : 0),
  );
  const scaled: WordsWeights = { ...weights, weight, bias };
  return new WordsModel(scaled);
}

/**
 * Words beside a network under a scaling of both together. A temperature goes into their weight: their own scores stay
 * what they are.
 */
export function scaledBeside<T extends WordsBeside>(beside: T, scaling: Scaling): T {
  if (scaling.kind === 'none') return beside;
  if (scaling.kind === 'temperature') return { ...beside, weight: beside.weight * (scaling.scales[0] as number) };
  // The shifts are in the network's biases.
  return { ...beside, words: scaledWords(beside.words, scaling, false) };
}
