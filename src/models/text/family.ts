import type { Value } from '../../graph/graph.ts';
import type { ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { TokenBlock } from './block.ts';
import type { HubConfig, TextConfig } from './config.ts';
import type { FamilyPartName } from './heads/head.ts';
import type { FamilyHeadName } from './heads/table.ts';

/**
 * A family of text encoders: all that is its own, and the only place that knows it. A new one is a folder with such a
 * record and a line in `families.ts`; what it does not have it says with null. Layers, activations and spellings of
 * names that several families share stand beside (`postNorm.ts`, `activations.ts`, `moduleNames.ts`).
 */
export interface TextFamily<C extends TextConfig> {
  /** `model_type` of its `config.json`. */
  readonly type: string;
  /** What messages call it. */
  readonly title: string;
  readonly config: ConfigCodec<C>;
  readonly names: WeightNames<C>;
  readonly parts: { readonly [P in FamilyPartName]: FamilyPart<C> | null };
  readonly heads: { readonly [H in FamilyHeadName]: FamilyHead<C> | null };
  /** The inputs that pipelines feed an exported model, int64 [batch, length] each. */
  readonly pipelineInputs: readonly PipelineInput[];
  /**
   * The encoder. Of its last layer it computes no more than what is read of it.
   *
   * @param read the tokens, counted over all rows, int32 [N], whose hidden states are wanted; all when absent
   * @returns hidden states [N, hiddenSize], or those of all tokens, [rows · width, hiddenSize]
   */
  encode(scope: Scope, config: C, block: TokenBlock, read?: Value): Value;
  /**
   * The layer that a parameter of the encoder is of, from 0, or 'embeddings', for all that comes before the layers: what
   * is frozen goes by it. Not a number for a name that it does not know, which is refused.
   */
  layerOf(name: string, config: C): number | 'embeddings';
}

export type PipelineInput = 'input_ids' | 'attention_mask' | 'token_type_ids';

/** `config.json`, both ways. */
export interface ConfigCodec<C> {
  /** Keys without which a new model would have another shape than was meant. */
  readonly shapeKeys: readonly string[];
  /** Whether a configuration that names no `model_type` is the family's. */
  claims?(raw: HubConfig): boolean;
  /**
   * Missing keys have the defaults of transformers. Labels are read elsewhere, for all families alike.
   *
   * @param where names the file in errors
   * @throws BertuneError for a value out of range, or a feature that cannot be computed
   */
  read(raw: HubConfig, where: string): C;
  /** The keys of the family, `model_type` left out. */
  write(config: C): HubConfig;
  /** The configuration with one dropout everywhere. */
  withDropout(config: C, dropout: number): C;
}

/** Names of the weights in checkpoints. */
export interface WeightNames<C> {
  /** What models with a head write before the encoder's names, and the bare encoder does not. */
  readonly prefix: string;
  /** One of our parameters as transformers writes it. */
  written(name: string, config: C): string;
  /** Every name under which a checkpoint may hold one of our parameters, the one to prefer first. */
  spellings(name: string, config: C): readonly string[];
  /** Further names under which transformers expects a parameter to be written. */
  alsoWritten?(name: string, config: C): readonly string[];
  /** What a weight that none of our parameters stands for is: of no use, something that has a name, or null: unknown. */
  other(hubName: string, config: C): 'ignored' | { readonly title: string } | null;
  /** The configuration that the stored weights show, where they contradict `config.json`, and a line that says so. */
  asStored?(config: C, parts: readonly string[], weights: StoredWeights): Promise<{ config: C; note: string } | null>;
}

/** The weights of a folder, as far as names may depend on them. */
export interface StoredWeights {
  readonly folder: string;
  has(hubName: string): boolean;
  read(hubName: string): Promise<Float32Array>;
}

/** Parameters that are loaded and saved together. */
export interface FamilyPart<C> {
  /** What notes call it. */
  readonly title: string;
  /** In the order of the forward pass. */
  parameters(config: C): ParameterSpec[];
}

/** A head as the family computes it. */
export interface FamilyHead<C> {
  /** Its class in transformers. */
  readonly hubClass: string;
  /** The parts that it takes beside the encoder. */
  readonly parts: readonly FamilyPartName[];
  /** What it reads of a text, where the head's record does not say it. */
  reads?(config: C): 'first' | 'mean';
  /** hidden [N, hiddenSize] -> [N, outputs]. */
  outputs(scope: Scope, config: C, hidden: Value): Value;
}
