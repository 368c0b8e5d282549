import type { HeadRecord } from './head.ts';

/** One number of a text, such as a rating, on the scale of those it learned from. */
export const number = {
  title: 'regression head',
  part: 'classifier',
  through: 'oneLabel',
  reads: 'first',
  outputs: () => 1,
  pipeline: 'text-classification',
  taskTitle: 'Text Classification',
  onnx: { output: 'logits', rows: 'texts' },
  problem: { type: 'regression', answer: 'a number' },
} as const satisfies HeadRecord;
