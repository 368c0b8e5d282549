import { activations } from './activations.ts';
import { attention } from './attention.ts';
import type { OpAttributes, OpName } from './attributes.ts';
import { convolution } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { layout } from './layout.ts';
import { losses } from './losses.ts';
import { matrix } from './matrix.ts';
import { normalization } from './normalization.ts';
import { pooling } from './pooling.ts';
import { random } from './random.ts';
import type { OpRecord } from './record.ts';
import { rotary } from './rotary.ts';
import { slicing } from './slicing.ts';

/** One record an op; the type makes a missing one a compile error. */
export const opTable: { readonly [K in OpName]: OpRecord<OpAttributes[K]> } = {
  ...elementwise,
  ...activations,
  ...matrix,
  ...attention,
  ...rotary,
  ...layout,
  ...slicing,
  ...indexing,
  ...normalization,
  ...convolution,
  ...pooling,
  ...losses,
  ...random,
};
