import type { HeadRecord } from './head.ts';

/** Logits of the tags of tokens, of which each word's first piece has one that is right. */
export const tokenLabels = {
  title: 'token classification head',
  part: 'tokenClassifier',
  reads: 'chosen',
  outputs: ({ labels }) => labels?.length ?? 2,
  pipeline: 'token-classification',
  taskTitle: 'Token Classification',
  onnx: { output: 'logits', rows: 'tokens' },
  tags: true,
} as const satisfies HeadRecord;
