import type { HeadRecord } from './head.ts';

/** One vector a text: the mean of its tokens' hidden states. Exported models hand the hidden states out themselves. */
export const pooled = {
  title: 'encoder',
  part: null,
  reads: 'mean',
  outputs: ({ hiddenSize }) => hiddenSize,
  pipeline: 'feature-extraction',
  taskTitle: 'Feature Extraction',
  onnx: { output: 'last_hidden_state', rows: 'tokens' },
} as const satisfies HeadRecord;
