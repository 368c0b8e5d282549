import type { HeadRecord } from './head.ts';

/** Logits of a text's labels, of which any number is right: each is judged by itself. */
export const manyLabels = {
  title: 'classification head of several labels',
  part: 'classifier',
  through: 'oneLabel',
  reads: 'first',
  outputs: ({ labels }) => labels?.length ?? 2,
  pipeline: 'text-classification',
  taskTitle: 'Text Classification',
  onnx: { output: 'logits', rows: 'texts' },
  problem: { type: 'multi_label_classification', answer: 'several labels' },
} as const satisfies HeadRecord;
