/** A `config.json` as it stands in the file. */
export type HubConfig = Readonly<Record<string, unknown>>;

/** What the configuration of every text encoder says, whatever its family. */
export interface TextConfig {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly attentionHeads: number;
  readonly intermediateSize: number;
  /** Name of the activation in the feed-forward layers. */
  readonly activation: string;
  /** Tokens of the longest sequence, special ones included. */
  readonly maxPositions: number;
  /** Dropout of embeddings and of each sublayer's output, in training. */
  readonly hiddenDropout: number;
  /** Dropout of attention probabilities, in training. */
  readonly attentionDropout: number;
  /** Dropout before the classification head; the hidden dropout when absent. */
  readonly classifierDropout?: number;
  /** Deviation of the normal draws of a random start. */
  readonly initializerRange: number;
  readonly padTokenId: number;
  /** Class names of a classification head, in the order of its outputs. */
  readonly labels?: readonly string[];
}
