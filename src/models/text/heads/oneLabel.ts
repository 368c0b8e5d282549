import type { HeadRecord } from './head.ts';

/** Logits of a text's classes, of which one is right. */
export const oneLabel = {
  title: 'classification head',
  part: 'classifier',
  reads: 'first',
  outputs: ({ labels }) => labels?.length ?? 2,
  pipeline: 'text-classification',
  taskTitle: 'Text Classification',
  onnx: { output: 'logits', rows: 'texts' },
  problem: { type: 'single_label_classification', answer: 'one label' },
} as const satisfies HeadRecord;
