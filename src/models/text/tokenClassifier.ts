import type { Value } from '../../graph/graph.ts';
import { linear } from '../../nn/layers.ts';
import { lastLinearSpecs } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { TextConfig } from './config.ts';
import type { FamilyHead, FamilyPart } from './family.ts';

/** A product that makes logits of the tags of a token, in every family. */
export const tokenClassifier: FamilyPart<TextConfig> = {
  title: 'token classifier',
  parameters: ({ hiddenSize, labels }) => lastLinearSpecs('tokenClassifier', hiddenSize, labels?.length ?? 2),
};

/** Logits of the tags of tokens from their hidden states: [N, hiddenSize] -> [N, labels]. */
export function tokenLogits(scope: Scope, hidden: Value, dropout: number): Value {
  return linear(scope, 'tokenClassifier', scope.dropout(hidden, dropout));
}

/** A token classifier right behind the encoder. @param hubClass its class in transformers */
export function plainTokenHead(hubClass: string): FamilyHead<TextConfig> {
  return {
    hubClass,
    parts: ['tokenClassifier'],
    outputs: (scope, { classifierDropout, hiddenDropout }, hidden) =>
      tokenLogits(scope, hidden, classifierDropout ?? hiddenDropout),
  };
}
