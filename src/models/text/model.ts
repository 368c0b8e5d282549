import type { Value } from '../../graph/graph.ts';
import type { ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import type { TokenBlock } from './block.ts';
import type { HubConfig, TextConfig } from './config.ts';
import type { FamilyHead, PipelineInput, StoredWeights, TextFamily, WeightNames } from './family.ts';
import type { FamilyPartName, PartName, Reading } from './heads/head.ts';
import { familyHeadOf, type HeadName, headNames, heads, isClassifier } from './heads/table.ts';
import {
  type SentenceHead,
  sentenceClassifierParameters,
  sentenceLogits,
  sentenceParameters,
  sentenceVectors,
  sentenceWeight,
  vectorSize,
  vectorTitle,
} from './sentence/sentence.ts';

/** A family with a configuration: what graphs are built and folders are read with. It holds no weights. */
export interface TextModel {
  readonly type: string;
  readonly title: string;
  readonly config: TextConfig;
  /** What stands behind the encoder; null for a model that is no sentence encoder. */
  readonly sentence: SentenceHead | null;
  readonly pipelineInputs: readonly PipelineInput[];
  /** What the classifier's pairs of texts are called; null where it reads single texts. */
  readonly pairs: PairNames | null;
  /** Whether the encoder is told which of a pair's texts a token is of. */
  readonly tellsTexts: boolean;
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
  /** What a head reads of a text. */
  readingOf(head: HeadName): Reading;
  /**
   * What is read, [N, hiddenSize] or, of several pooling modes, [N, modes · hiddenSize], -> [N, outputSize]. @throws when
   * the family has no such head
   */
  outputs(head: HeadName, scope: Scope, hidden: Value): Value;
  outputSize(head: HeadName): number;
  /** Names of what freezing the embeddings and the first `layers` layers leaves as it is. */
  frozen(layers: number): Set<string>;
  /** `config.json` of the model, without what belongs to a head or to files. */
  hubConfig(): HubConfig;
  withSentence(sentence: SentenceHead | null): TextModel;
  withPairs(pairs: PairNames | null): TextModel;
  withLabels(labels: readonly string[] | undefined): TextModel;
  withDropout(dropout: number | undefined): TextModel;
  /** The model that stored weights show, and a line that says where they contradict `config.json`. */
  asStored(parts: readonly PartName[], weights: StoredWeights): Promise<{ model: TextModel; note?: string }>;
}

/** The columns that a classifier of pairs was trained on. */
export interface PairNames {
  readonly text: string;
  readonly pair: string;
}

/** The names of a model's weights in checkpoints; see `WeightNames`. */
export interface ModelNames {
  written(name: string): readonly string[];
  /** A written name in a bare encoder's folder. */
  bare(hubName: string): string;
  spellings(name: string): readonly string[];
  other(hubName: string): ReturnType<WeightNames<TextConfig>['other']>;
}

/**
 * A family's record with one of its configurations.
 *
 * @param sentence what stands behind the encoder
 * @param pairs what its classifier reads, where that is two texts
 */
export function textModel<C extends TextConfig>(
  family: TextFamily<C>,
  config: C,
  sentence: SentenceHead | null = null,
  pairs: PairNames | null = null,
): TextModel {
  const { names } = family;
  const headOf = (name: HeadName): FamilyHead<C> => {
    const head = family.heads[familyHeadOf(name)];
    if (!head) throw new Error(`internal: ${family.title} has no ${name} head`);
    return head;
  };
  /** The sentence head, for a head that goes through it. */
  const throughSentence = (head: HeadName) =>
    head === 'pooled' || (isClassifier(head) && sentence?.classifier !== null) ? sentence : null;
  const parametersOf = (name: PartName) => {
    if (name === 'sentence') return sentence ? sentenceParameters(sentence) : [];
    if (name === 'classifier' && sentence && sentence.classifier !== null) {
      return sentenceClassifierParameters(sentence, config.hiddenSize, heads.oneLabel.outputs(config));
    }
    const part = family.parts[name];
    if (!part) throw new Error(`internal: ${family.title} has no ${name}`);
    return part.parameters(config);
  };
  const parameters = (parts: readonly PartName[]) => parts.flatMap(parametersOf);
  const placed = (name: string) => sentence && sentenceWeight(sentence, name);
  const withConfig = (changed: C) => textModel(family, changed, sentence, pairs);
  return {
    type: family.type,
    title: family.title,
    config,
    sentence,
    pipelineInputs: family.pipelineInputs,
    pairs,
    tellsTexts: pairs !== null && hasTokenTypes(family, config),
    names: {
      written(name) {
        const own = placed(name);
        return own ? [own] : [names.written(name, config), ...(names.alsoWritten?.(name, config) ?? [])];
      },
      bare: (hubName) => (hubName.startsWith(names.prefix) ? hubName.slice(names.prefix.length) : hubName),
      spellings(name) {
        const own = placed(name);
        return own ? [own] : names.spellings(name, config);
      },
      other: (hubName) => names.other(hubName, config),
    },
    heads: headNames.filter((name) => family.heads[familyHeadOf(name)] !== null),
    parts: [...partNames(family.parts).filter((part) => family.parts[part] !== null), ...sentencePart(sentence)],
    partsOf(head) {
      if (!throughSentence(head)) return ['encoder', ...headOf(head).parts];
      return ['encoder', ...sentencePart(sentence), ...(isClassifier(head) ? (['classifier'] as const) : [])];
    },
    hubClass: (head) => (throughSentence(head) ? headOf('pooled') : headOf(head)).hubClass,
    partTitle: (part) => (part === 'sentence' ? 'modules behind the encoder' : (family.parts[part]?.title ?? part)),
    parameters,
    encode: (scope, block, read) => family.encode(scope, config, block, read),
    readingOf: (head) =>
      throughSentence(head)?.pooling ?? family.heads[familyHeadOf(head)]?.reads?.(config) ?? heads[head].reads,
    outputs(head, scope, hidden) {
      const through = throughSentence(head);
      if (!through) return headOf(head).outputs(scope, config, hidden);
      const vectors = sentenceVectors(scope, through, hidden);
      return isClassifier(head) ? sentenceLogits(scope, vectors) : vectors;
    },
    outputSize(head) {
      const through = head === 'pooled' ? throughSentence(head) : null;
      return through ? vectorSize(through, config.hiddenSize) : heads[head].outputs(config);
    },
    frozen(layers) {
      const isFrozen = (name: string) => {
        const layer = family.layerOf(name, config);
        if (Number.isNaN(layer)) throw new Error(`internal: ${name} is of no layer`);
        return layer === 'embeddings' || layer < layers;
      };
      const all = parameters(['encoder']).map(({ name }) => name);
      return new Set(all.filter(isFrozen));
    },
    hubConfig: () => ({ ...family.config.write(config), model_type: family.type }),
    withSentence: (changed) => textModel(family, config, changed, pairs),
    withPairs: (changed) => textModel(family, config, sentence, changed),
    withLabels: (labels) => withConfig({ ...config, labels }),
    withDropout: (dropout) => withConfig(dropout === undefined ? config : family.config.withDropout(config, dropout)),
    async asStored(parts, weights) {
      const stored = await names.asStored?.(config, parts, weights);
      return stored ? { model: withConfig(stored.config), note: stored.note } : { model: withConfig(config) };
    },
  };
}

/** Whether there are embeddings of two types, which pipelines give. */
function hasTokenTypes<C extends TextConfig>(family: TextFamily<C>, config: C): boolean {
  const { type_vocab_size: types } = family.config.write(config);
  return family.pipelineInputs.includes('token_type_ids') && Number(types) > 1;
}

/** The part of the modules, where they have parameters. */
function sentencePart(sentence: SentenceHead | null): 'sentence'[] {
  return sentence && sentenceParameters(sentence).length > 0 ? ['sentence'] : [];
}

/** What a classifier reads of a text, in words. */
export function readingTitle({ sentence, partsOf, partTitle }: TextModel): string {
  if (sentence !== null && sentence.classifier !== null) return vectorTitle(sentence);
  return partsOf('oneLabel').includes('pooler') ? `the encoder's ${partTitle('pooler')}` : 'the first token';
}

/** What several heads compute with, the encoder first. @throws when the family lacks one of them */
export function partsOfAll(model: TextModel, heads: readonly HeadName[]): PartName[] {
  return [...new Set(heads.flatMap((head) => model.partsOf(head)))];
}

/** The encoder first, whatever the order of the record. */
function partNames(parts: Readonly<Record<FamilyPartName, unknown>>): FamilyPartName[] {
  const others = Object.keys(parts).filter((name): name is FamilyPartName => name !== 'encoder');
  return ['encoder', ...others];
}
