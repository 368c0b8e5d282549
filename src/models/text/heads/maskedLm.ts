import type { HeadRecord } from './head.ts';

/** Logits over the vocabulary for masked tokens (Devlin et al. 2019). */
export const maskedLm = {
  title: 'MLM head',
  part: 'mlmHead',
  reads: 'chosen',
  outputs: ({ vocabularySize }) => vocabularySize,
  pipeline: 'fill-mask',
  taskTitle: 'Masked Language Modeling',
  onnx: { output: 'logits', rows: 'tokens' },
} as const satisfies HeadRecord;
