import { z } from 'zod';
import { BertuneError } from '../../../core/errors.ts';
import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import { layerNorm, linear } from '../../../nn/layers.ts';
import { lastLinearSpecs, layerNormSpecs, type ParameterSpec } from '../../../nn/parameters.ts';
import type { Scope } from '../../../nn/scope.ts';
import type { HubConfig } from '../config.ts';
import { parsedKeys } from '../hubKeys.ts';

/** A module behind the pooling, as its folder describes it. */
export type SentenceModule =
  | {
      readonly type: 'Dense';
      readonly path: string;
      readonly inputs: number;
      readonly outputs: number;
      readonly bias: boolean;
      readonly activation: DenseActivation;
    }
  | { readonly type: 'Normalize'; readonly path: string }
  | { readonly type: 'LayerNorm'; readonly path: string; readonly inputs: number }
  | { readonly type: 'Dropout'; readonly path: string; readonly rate: number };

type ModuleOf<T extends SentenceModule['type']> = Extract<SentenceModule, { type: T }>;

/** What is true of a kind of module. */
interface ModuleRecord<T extends SentenceModule['type']> {
  /** Its `config.json`, both ways; the folder's path in errors is `where`, and vectors of `inputs` numbers come in. */
  read(raw: HubConfig, path: string, inputs: number, where: string): ModuleOf<T>;
  write(module: ModuleOf<T>): HubConfig | null;
  /** Numbers of a vector that goes out. */
  outputs(module: ModuleOf<T>, inputs: number): number;
  parameters(name: string, module: ModuleOf<T>): ParameterSpec[];
  /** What its weights are called in its folder. */
  readonly weights: string;
  /** [N, inputs] -> [N, outputs]. */
  apply(scope: Scope, name: string, module: ModuleOf<T>, x: Value): Value;
}

/** What torch.nn.LayerNorm adds to the variance. */
const layerNormEpsilon = 1e-5;

export const sentenceModules: { readonly [T in SentenceModule['type']]: ModuleRecord<T> } = {
  Dense: {
    read(raw, path, inputs, where) {
      const keys = parsedKeys(denseSchema, raw, where);
      if (keys.in_features !== inputs) {
        throw new BertuneError(`${where}: in_features is ${keys.in_features}, but ${inputs} numbers come in`);
      }
      for (const key of ['module_input_name', 'module_output_name'] as const) {
        if ((keys[key] ?? vectorName) === vectorName) continue;
        throw new BertuneError(`${where}: ${key} is "${keys[key]}", and only ${vectorName} can be used`);
      }
      return {
        type: 'Dense',
        ...{ path, inputs },
        outputs: keys.out_features,
        bias: keys.bias,
        activation: activationNamed(keys.activation_function, where),
      };
    },
    write: ({ inputs, outputs, bias, activation }) => ({
      in_features: inputs,
      out_features: outputs,
      bias,
      activation_function: activations[activation].written,
    }),
    outputs: ({ outputs }) => outputs,
    parameters: (name, { inputs, outputs, bias }) => lastLinearSpecs(name, inputs, outputs).slice(0, bias ? 2 : 1),
    weights: 'linear',
    apply(scope, name, { bias, activation }, x) {
      const product = bias
        ? linear(scope, name, x)
        : ops.matmul(x, scope.parameter(`${name}.weight`), { transposeB: true });
      return activations[activation].apply(product);
    },
  },

  // x / max(|x|, 1e-12), as torch.nn.functional.normalize
  Normalize: {
    read: (_, path) => ({ type: 'Normalize', path }),
    write: () => null,
    outputs: (_, inputs) => inputs,
    parameters: () => [],
    weights: '',
    apply: (_, __, ___, x) => normalized(x),
  },

  LayerNorm: {
    read(raw, path, inputs, where) {
      const { dimension } = parsedKeys(layerNormSchema, raw, where);
      if (dimension !== inputs)
        throw new BertuneError(`${where}: dimension is ${dimension}, but ${inputs} numbers come in`);
      return { type: 'LayerNorm', path, inputs };
    },
    write: ({ inputs }) => ({ dimension: inputs }),
    outputs: (_, inputs) => inputs,
    parameters: (name, { inputs }) => layerNormSpecs(name, inputs),
    weights: 'norm',
    apply: (scope, name, _, x) => layerNorm(scope, name, x, layerNormEpsilon),
  },

  Dropout: {
    read: (raw, path, _, where) => ({ type: 'Dropout', path, rate: parsedKeys(dropoutSchema, raw, where).dropout }),
    write: ({ rate }) => ({ dropout: rate }),
    outputs: (_, inputs) => inputs,
    parameters: () => [],
    weights: '',
    apply: (scope, _, { rate }, x) => scope.dropout(x, rate),
  },
};

/** Kinds of modules that can be used. */
export function isModuleType(type: string): type is SentenceModule['type'] {
  return Object.hasOwn(sentenceModules, type);
}

/** A kind's record for modules of which no more is known than that they are modules. */
export function moduleRecord(type: SentenceModule['type']): ModuleRecord<SentenceModule['type']> {
  // Each record only ever gets modules of its own type, which `read` makes and `type` tells.
  return sentenceModules[type] as ModuleRecord<SentenceModule['type']>;
}

/** x [N, size] with rows of length 1; a row of zeros stays. */
export function normalized(x: Value): Value {
  const least = x.graph.scalar(1e-24);
  const squares = ops.sum(ops.multiply(x, x), [1], true);
  return ops.divide(x, ops.sqrt(ops.select(ops.greater(squares, least), squares, least)));
}

const vectorName = 'sentence_embedding';

const denseSchema = z.strictObject({
  in_features: z.int().positive(),
  out_features: z.int().positive(),
  bias: z.boolean().default(true),
  activation_function: z.string().default('torch.nn.modules.activation.Tanh'),
  module_input_name: z.string().nullish(),
  module_output_name: z.string().nullish(),
});

const layerNormSchema = z.strictObject({ dimension: z.int().positive() });
const dropoutSchema = z.strictObject({ dropout: z.number().min(0).max(1).default(0.2) });

interface ActivationRecord {
  /** Its class in PyTorch. */
  readonly written: string;
  apply(x: Value): Value;
}

const activations = {
  identity: { written: 'torch.nn.modules.linear.Identity', apply: (x) => x },
  tanh: { written: 'torch.nn.modules.activation.Tanh', apply: ops.tanh },
  relu: { written: 'torch.nn.modules.activation.ReLU', apply: ops.relu },
  gelu: { written: 'torch.nn.modules.activation.GELU', apply: ops.gelu },
  sigmoid: { written: 'torch.nn.modules.activation.Sigmoid', apply: ops.sigmoid },
  silu: { written: 'torch.nn.modules.activation.SiLU', apply: (x) => ops.multiply(x, ops.sigmoid(x)) },
} as const satisfies Readonly<Record<string, ActivationRecord>>;

export type DenseActivation = keyof typeof activations;

/** By the class alone: PyTorch has moved some between modules. */
function activationNamed(name: string, where: string): DenseActivation {
  const classOf = (path: string) => path.split('.').at(-1);
  const found = Object.entries(activations).find(([, { written }]) => classOf(written) === classOf(name));
  const isTorch = name.startsWith('torch.');
  if (found && isTorch) return found[0] as DenseActivation;
  const known = Object.values(activations).map(({ written }) => classOf(written));
  throw new BertuneError(
    `${where}: activation_function is "${name}", and only ${known.join(', ')} of torch.nn can be used`,
  );
}
