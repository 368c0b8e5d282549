import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { knownSize, quotient } from '../../graph/sizes.ts';
import { selfAttention } from '../../nn/attention.ts';
import { layerNorm, linear } from '../../nn/layers.ts';
import { layerNormSpecs, linearSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { ForecasterConfig } from './config.ts';

const epsilon = 1e-5;

/** Every parameter, in the order of the forward pass. */
export function forecasterParameters(config: ForecasterConfig): ParameterSpec[] {
  const { columns, window, horizon, hiddenSize, layers } = config;
  return [
    ...linearSpecs('embedding', columns.length, hiddenSize),
    ...Array.from({ length: layers }, (_, layer) => [
      ...layerNormSpecs(`encoder.${layer}.attention.norm`, hiddenSize),
      ...['query', 'key', 'value', 'output'].flatMap((part) =>
        linearSpecs(`encoder.${layer}.attention.${part}`, hiddenSize, hiddenSize),
      ),
      ...layerNormSpecs(`encoder.${layer}.feedForward.norm`, hiddenSize),
      ...linearSpecs(`encoder.${layer}.feedForward.up`, hiddenSize, 4 * hiddenSize),
      ...linearSpecs(`encoder.${layer}.feedForward.down`, 4 * hiddenSize, hiddenSize),
    ]).flat(),
    ...layerNormSpecs('norm', hiddenSize),
    ...linearSpecs('head', window * hiddenSize, horizon * columns.length),
  ];
}

/**
 * The next window of a series: a pre-norm transformer encoder (Vaswani et al. 2017) over the rows, whose hidden states
 * together give all predicted rows (the head of PatchTST, Nie et al. 2023). It sees how each row differs from the last
 * one and predicts differences from it, so that a head of zeros repeats the last value (Zeng et al. 2023).
 *
 * @param windows standardized rows [B, window, columns]
 * @returns standardized rows [B, horizon, columns]
 */
export function forecast(scope: Scope, config: ForecasterConfig, windows: Value): Value {
  const { window, horizon, hiddenSize, columns } = config;
  const rows = knownSize(windows.shape[0] ?? 1, 'forecast: the number of windows');
  const width = columns.length;
  const last = ops.reshape(lastRows(windows, rows, window, width), [rows, 1, width]);
  const differences = ops.reshape(ops.subtract(windows, last), [rows * window, width]);
  let hidden = ops.add(linear(scope, 'embedding', differences), positions(scope, rows, window, hiddenSize));
  for (let layer = 0; layer < config.layers; layer++) hidden = encoderLayer(scope, config, `encoder.${layer}`, hidden);
  const flat = ops.reshape(layerNorm(scope, 'norm', hidden, epsilon), [rows, window * hiddenSize]);
  return ops.add(ops.reshape(linear(scope, 'head', flat), [rows, horizon, width]), last);
}

function encoderLayer(scope: Scope, config: ForecasterConfig, name: string, x: Value): Value {
  const { window, hiddenSize, attentionHeads: heads } = config;
  const rows = quotient(x.shape[0] ?? 0, window);
  const shape = { rows, width: window, heads, headSize: hiddenSize / heads };
  const normed = layerNorm(scope, `${name}.attention.norm`, x, epsilon);
  const between = ops.add(x, selfAttention(scope, `${name}.attention`, normed, scope.graph.scalar(0), shape, 0));
  const second = layerNorm(scope, `${name}.feedForward.norm`, between, epsilon);
  const up = ops.gelu(linear(scope, `${name}.feedForward.up`, second));
  return ops.add(between, linear(scope, `${name}.feedForward.down`, up));
}

/** The last row of each window [B, columns]. */
function lastRows(windows: Value, rows: number, window: number, width: number): Value {
  const data = Int32Array.from({ length: rows }, (_, i) => (i + 1) * window - 1);
  const indices = windows.graph.constant({ dtype: 'int32', shape: [rows], data });
  return ops.gatherRows(ops.reshape(windows, [rows * window, width]), indices);
}

/** Fixed sine and cosine positions, repeated for each window [B · window, hiddenSize] (Vaswani et al. 2017). */
function positions(scope: Scope, rows: number, window: number, size: number): Value {
  const data = new Float32Array(window * size);
  for (let t = 0; t < window; t++) {
    for (let j = 0; j < size; j++) {
      const angle = t / 10000 ** ((2 * Math.floor(j / 2)) / size);
      data[t * size + j] = j % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  const one = scope.graph.constant({ dtype: 'float32', shape: [1, window, size], data });
  return ops.reshape(ops.broadcast(one, [rows, window, size]), [rows * window, size]);
}
