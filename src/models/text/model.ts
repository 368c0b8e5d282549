import type { Value } from '../../graph/graph.ts';
import type { ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { TokenBlock } from './block.ts';
import type { HubConfig, TextConfig } from './config.ts';
import type { FamilyHead, PipelineInput, StoredWeights, TextFamily, WeightNames } from './family.ts';
import type { PartName } from './heads/head.ts';
import { type HeadName, headNames } from './heads/table.ts';

/** A family with a configuration: what graphs are built and folders are read with. It holds no weights. */
export interface TextModel {
  readonly type: string;
  readonly title: string;
  readonly config: TextConfig;
  readonly pipelineInputs: readonly PipelineInput[];
  readonly names: ModelNames;
  /** The heads that the family has. */
  readonly heads: readonly HeadName[];
  /** The parts that the family has, the encoder first. */
  readonly parts: readonly PartName[];
  /** What a head computes with, the encoder first. @throws when the family has no such head */
  partsOf(head: HeadName): PartName[];
  /** Its class in transformers. @throws when the family has no such head */
  hubClass(head: HeadName): string;
  partTitle(part: PartName): string;
  /** Parameters of several parts, in the order of the forward pass. */
  parameters(parts: readonly PartName[]): ParameterSpec[];
  /** Hidden states of the tokens that are read [N, hiddenSize], or of all [rows · width, hiddenSize]. */
  encode(scope: Scope, block: TokenBlock, read?: Value): Value;
  /** hidden [N, hiddenSize] -> [N, outputs]. @throws when the family has no such head */
  outputs(head: HeadName, scope: Scope, hidden: Value): Value;
  /** Names of what freezing the embeddings and the first `layers` layers leaves as it is. */
  frozen(layers: number): Set<string>;
  /** `config.json` of the model, without what belongs to a head or to files. */
  hubConfig(): HubConfig;
  withLabels(labels: readonly string[] | undefined): TextModel;
  withDropout(dropout: number | undefined): TextModel;
  /** The model that stored weights show, and a line that says where they contradict `config.json`. */
  asStored(parts: readonly PartName[], weights: StoredWeights): Promise<{ model: TextModel; note?: string }>;
}

/** The names of a model's weights in checkpoints; see `WeightNames`. */
export interface ModelNames {
  written(name: string): readonly string[];
  spellings(name: string): readonly string[];
  other(hubName: string): ReturnType<WeightNames<TextConfig>['other']>;
}

/** A family's record with one of its configurations. */
export function textModel<C extends TextConfig>(family: TextFamily<C>, config: C): TextModel {
  const { names } = family;
  const headOf = (name: HeadName): FamilyHead<C> => {
    const head = family.heads[name];
    if (!head) throw new Error(`internal: ${family.title} has no ${name} head`);
    return head;
  };
  const parametersOf = (name: PartName) => {
    const part = family.parts[name];
    if (!part) throw new Error(`internal: ${family.title} has no ${name}`);
    return part.parameters(config);
  };
  const parameters = (parts: readonly PartName[]) => parts.flatMap(parametersOf);
  return {
    type: family.type,
    title: family.title,
    config,
    pipelineInputs: family.pipelineInputs,
    names: {
      written: (name) => [names.written(name, config), ...(names.alsoWritten?.(name, config) ?? [])],
      spellings: (name) => names.spellings(name, config),
      other: (hubName) => names.other(hubName, config),
    },
    heads: headNames.filter((name) => family.heads[name] !== null),
    parts: partNames(family.parts).filter((part) => family.parts[part] !== null),
    partsOf: (head) => ['encoder', ...headOf(head).parts],
    hubClass: (head) => headOf(head).hubClass,
    partTitle: (part) => family.parts[part]?.title ?? part,
    parameters,
    encode: (scope, block, read) => family.encode(scope, config, block, read),
    outputs: (head, scope, hidden) => headOf(head).outputs(scope, config, hidden),
    frozen(layers) {
      const isFrozen = (name: string) => {
        const layer = family.layerOf(name);
        if (Number.isNaN(layer)) throw new Error(`internal: ${name} is of no layer`);
        return layer === 'embeddings' || layer < layers;
      };
      const all = parameters(['encoder']).map(({ name }) => name);
      return new Set(all.filter(isFrozen));
    },
    hubConfig: () => ({ ...family.config.write(config), model_type: family.type }),
    withLabels: (labels) => textModel(family, { ...config, labels }),
    withDropout: (dropout) =>
      textModel(family, dropout === undefined ? config : family.config.withDropout(config, dropout)),
    async asStored(parts, weights) {
      const stored = await names.asStored?.(config, parts, weights);
      return stored
        ? { model: textModel(family, stored.config), note: stored.note }
        : { model: textModel(family, config) };
    },
  };
}

/** What several heads compute with, the encoder first. @throws when the family lacks one of them */
export function partsOfAll(model: TextModel, heads: readonly HeadName[]): PartName[] {
  return [...new Set(heads.flatMap((head) => model.partsOf(head)))];
}

/** The encoder first, whatever the order of the record. */
function partNames(parts: Readonly<Record<PartName, unknown>>): PartName[] {
  const others = Object.keys(parts).filter((name): name is PartName => name !== 'encoder');
  return ['encoder', ...others];
}
