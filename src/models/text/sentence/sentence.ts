import type { Value } from '../../../graph/graph.ts';
import { linear } from '../../../nn/layers.ts';
import { lastLinearSpecs, type ParameterSpec } from '../../../nn/parameters.ts';
import type { Scope } from '../../../nn/scope.ts';
import { moduleRecord, type SentenceModule } from './modules.ts';
import { type Pooling, titleOfPooling } from './pooling.ts';

/**
 * What stands behind the encoder of a sentence encoder (Reimers & Gurevych 2019): how its tokens become one vector, the
 * modules that the vector goes through, and the classifier that reads it.
 */
export interface SentenceHead {
  readonly pooling: Pooling;
  /** Folder of the pooling's settings, below the model's. */
  readonly path: string;
  readonly modules: readonly SentenceModule[];
  /**
   * Folder of the Dense that makes logits of the vector; null where classification is the encoder's own, as in
   * transformers.
   */
  readonly classifier: string | null;
}

/** A sentence head of a pooling alone, of a model that has none. */
export function sentenceHead(pooling: Pooling): SentenceHead {
  return { pooling, path: '1_Pooling', modules: [], classifier: '2_Dense' };
}

/** Whether a model's classifier reads vectors, rather than being the encoder's own. */
export function readsVectors({ sentence }: { readonly sentence: SentenceHead | null }): boolean {
  return sentence !== null && sentence.classifier !== null;
}

/** Numbers of a vector. */
export function vectorSize({ pooling, modules }: SentenceHead, hiddenSize: number): number {
  const pooled = pooling.modes.length * hiddenSize;
  return modules.reduce((size, module) => moduleRecord(module.type).outputs(module, size), pooled);
}

/** Parameters of the modules, in their order. */
export function sentenceParameters({ modules }: SentenceHead): ParameterSpec[] {
  return modules.flatMap((module, i) => moduleRecord(module.type).parameters(moduleName(i), module));
}

/** Pooled hidden states [N, modes · hiddenSize] -> vectors [N, size]. */
export function sentenceVectors(scope: Scope, { modules }: SentenceHead, pooled: Value): Value {
  return modules.reduce((x, module, i) => moduleRecord(module.type).apply(scope, moduleName(i), module, x), pooled);
}

/** Parameters of the classifier on the vectors. */
export function sentenceClassifierParameters(head: SentenceHead, hiddenSize: number, labels: number): ParameterSpec[] {
  return lastLinearSpecs('classifier', vectorSize(head, hiddenSize), labels);
}

/** Vectors [N, size] -> logits [N, labels]. */
export function sentenceLogits(scope: Scope, vectors: Value): Value {
  return linear(scope, 'classifier', vectors);
}

/**
 * Where a parameter of the modules or of the classifier lies: the folder of its module and its name in the weights
 * there, `2_Dense/linear.weight`; undefined for a parameter of another part.
 */
export function sentenceWeight({ modules, classifier }: SentenceHead, name: string): string | undefined {
  const [part = '', ...rest] = name.split('.');
  if (part === 'classifier' && classifier !== null) return `${classifier}/linear.${rest.join('.')}`;
  if (part !== 'sentence') return undefined;
  const module = modules[Number(rest[0])];
  return module && `${module.path}/${moduleRecord(module.type).weights}.${rest.slice(1).join('.')}`;
}

/** What a vector is made of, in words. */
export function vectorTitle({ pooling, modules }: SentenceHead): string {
  const behind = modules.map(({ type }) => type).filter((type) => type !== 'Dropout');
  return [titleOfPooling(pooling), ...behind].join(', then ');
}

function moduleName(number: number): string {
  return `sentence.${number}`;
}
