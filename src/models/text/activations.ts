import { BertuneError } from '../../core/errors.ts';
import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';

/** What an activation computes. */
const computed = { gelu: ops.gelu, gelu_new: ops.geluTanh, relu: ops.relu } as const;

/** Activation between the two feed-forward products, and in some heads. */
export type Activation = keyof typeof computed;

export function activate(activation: Activation, x: Value): Value {
  return computed[activation](x);
}

/** Every spelling of transformers that computes one of our activations. */
const spellings: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_new',
  gelu_python_tanh: 'gelu_new',
  gelu_fast: 'gelu_new',
  gelu_accurate: 'gelu_new',
  relu: 'relu',
};

/** The activation that a key of `config.json` names. @throws BertuneError when it is none of ours */
export function activationOf(name: string, where: string, key = 'hidden_act'): Activation {
  const activation = Object.hasOwn(spellings, name) ? spellings[name] : undefined;
  if (activation !== undefined) return activation;
  throw new BertuneError(`${where}: ${key} is "${name}", and only ${Object.keys(spellings).join(', ')} can be used`);
}
