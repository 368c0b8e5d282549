import { bert } from '../../src/models/text/bert/family.ts';
import { readTextModel } from '../../src/models/text/families.ts';
import { type TextModel, textModel } from '../../src/models/text/model.ts';
import { maskedTokens } from '../../src/tasks/text/objectives/maskedTokens.ts';
import { maskingVocabulary } from '../../src/text/masking.ts';
import { threads } from './environment.ts';

/** What one training step is measured on. */
export interface StepShape {
  readonly name: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly rows: number;
  readonly width: number;
  readonly vocabularySize: number;
  /** Masked positions of a step, 15 % of them all. */
  readonly predictions: number;
  readonly threads: number;
}

/** The shapes of the benchmark by name: that of BERT-base, and the small one of the demo's model. */
export const stepShapes = {
  base: shape('base', { layers: 12, hiddenSize: 768, heads: 12, rows: 8, width: 128 }),
  small: shape('small', { layers: 4, hiddenSize: 256, heads: 4, rows: 32, width: 128 }),
} as const;

/** The same model with another block. */
export function withBlock(model: StepShape, rows: number, width: number): StepShape {
  return shape(model.name, { ...model, rows, width });
}

export function modelOf({ vocabularySize, hiddenSize, layers, heads }: StepShape): TextModel {
  return textModel(bert, {
    vocabularySize,
    hiddenSize,
    layers,
    attentionHeads: heads,
    intermediateSize: 4 * hiddenSize,
    activation: 'gelu',
    maxPositions: 512,
    tokenTypes: 2,
    layerNormEpsilon: 1e-12,
    hiddenDropout: 0.1,
    attentionDropout: 0.1,
    initializerRange: 0.02,
    tiedDecoder: true,
    padTokenId: 0,
  });
}

/** A family's model of a shape; what else its configuration may say is left to its defaults. */
export function familyModel({ vocabularySize, hiddenSize, layers, heads }: StepShape, type: string): TextModel {
  const named = { hidden_size: hiddenSize, num_hidden_layers: layers, num_attention_heads: heads };
  const distilled = { dim: hiddenSize, n_layers: layers, n_heads: heads, hidden_dim: 4 * hiddenSize };
  const shared = { vocab_size: vocabularySize, intermediate_size: 4 * hiddenSize, embedding_size: hiddenSize };
  return readTextModel({ model_type: type, ...named, ...distilled, ...shared, max_position_embeddings: 514 }, type);
}

/** What a step learns, for its graph alone: which tokens are hidden comes with the batch. */
export const stepObjective = maskedTokens({
  vocabulary: maskingVocabulary(0, 0, new Set()),
  probability: 0.15,
  wholeWord: false,
  seed: 0,
});

type Sizes = Pick<StepShape, 'layers' | 'hiddenSize' | 'heads' | 'rows' | 'width'>;

function shape(name: string, { layers, hiddenSize, heads, rows, width }: Sizes): StepShape {
  const predictions = Math.round(0.15 * rows * width);
  return { name, layers, hiddenSize, heads, rows, width, vocabularySize: 30_522, predictions, threads };
}
