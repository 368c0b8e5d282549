import type { ParameterValues } from '../../nn/parameters.ts';

/** Logits [labels] of a linear classifier on vectors. */
export function linearLogits(vectors: readonly Float32Array[], values: ParameterValues): Float32Array[] {
  const [weight, bias] = [values.get('classifier.weight'), values.get('classifier.bias')];
  if (!weight || !bias) throw new Error('internal: a classifier without weights');
  return vectors.map((vector) =>
    bias.map((own, c) => {
      let sum = own;
      const from = c * vector.length;
      for (let j = 0; j < vector.length; j++) sum += (weight[from + j] as number) * (vector[j] as number);
      return sum;
    }),
  );
}
