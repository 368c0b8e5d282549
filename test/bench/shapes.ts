/** What one training step is measured on. */
export interface StepShape {
  readonly name: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly rows: number;
  readonly width: number;
  readonly vocabularySize: number;
  /** Masked positions of a step, 15 % of them all. */
  readonly predictions: number;
  readonly threads: number;
}

/** The shapes of the benchmark by name: that of BERT-base, and the small one of the demo's model. */
export const stepShapes: readonly StepShape[] = [
  shape('base', { layers: 12, hiddenSize: 768, heads: 12, rows: 8 }),
  shape('small', { layers: 4, hiddenSize: 256, heads: 4, rows: 32 }),
];

function shape(name: string, sizes: Pick<StepShape, 'layers' | 'hiddenSize' | 'heads' | 'rows'>): StepShape {
  const width = 128;
  const predictions = Math.round(0.15 * sizes.rows * width);
  return { name, ...sizes, width, vocabularySize: 30_522, predictions, threads: 2 };
}
