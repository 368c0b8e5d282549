import { BertuneError, withArticle } from '../core/errors.ts';
import type { TokenizerFiles } from './tokenizerFiles.ts';

/**
 * How transformers makes a tokenizer of a folder's files:
 * - `file`: `tokenizer.json` as it stands,
 * - the others: the vocabulary of `tokenizer.json`, or of the file in which the class keeps it, with all else as the
 *   class and `tokenizer_config.json` have it.
 */
export type TokenizerRules = 'file' | 'bert' | 'mpnet' | 'roberta' | 'xlmRoberta' | 'camembert';

export interface TokenizerClass {
  /** Its name in transformers; undefined when the folder names none and its model has no usual one. */
  readonly name?: string;
  readonly rules: TokenizerRules;
  /** A line for whoever should know that code of the folder's own is not run. */
  readonly note?: string;
}

/**
 * The class that transformers 5.24 takes for a folder: the one that `tokenizer_config.json` or `config.json` names, else
 * the usual one of the model's type.
 *
 * @throws BertuneError when it is one that cannot be computed, or none that transformers knows and `tokenizer.json` is
 * missing
 */
export function tokenizerClass(files: TokenizerFiles): TokenizerClass {
  const { where, json, config, model } = files;
  const named = [config?.tokenizer_class, model?.tokenizer_class].find((name) => typeof name === 'string');
  const own = config?.auto_map !== undefined;
  const note = own
    ? `${where} has a tokenizer in Python code of its own (auto_map), which is not run: read as transformers reads it without that code`
    : undefined;
  const name = named?.replace(/(?<!PreTrainedTokenizer)Fast$/, '') ?? usualClass(files);
  const rules = name === undefined ? undefined : rulesOf.get(name);
  if (rules && (rules !== 'file' || json)) return { name, rules, note };
  if (name !== undefined && others.has(name)) {
    throw new BertuneError(
      `${where}: the tokenizer is ${withArticle(name)}, which cannot be computed here; use a model with a tokenizer.json whose tokenizer_class is PreTrainedTokenizerFast, BertTokenizer, RobertaTokenizer or XLMRobertaTokenizer`,
    );
  }
  if (json) return { name, rules: 'file', note };
  if (named === undefined) return { name: 'BertTokenizer', rules: 'bert', note };
  throw new BertuneError(
    `${where}: the tokenizer is ${withArticle(named)}, which takes Python code or a tokenizer.json, and there is none; save one with that code, or use another model`,
  );
}

function usualClass({ model }: TokenizerFiles): string | undefined {
  const type = model?.model_type;
  return typeof type === 'string' ? usualClasses.get(type) : undefined;
}

const usualClasses = new Map([
  ...(
    'align bert blip bros chinese_clip convbert distilbert electra ernie flava git grounding-dino layoutlm lxmert ' +
    'megatron-bert mobilebert nezha nomic_bert qdqbert realm retribert squeezebert tvp vilt visual_bert'
  )
    .split(' ')
    .map((type) => [type, 'BertTokenizer'] as const),
  ['mpnet', 'MPNetTokenizer'],
  ['roberta', 'RobertaTokenizer'],
  ['camembert', 'CamembertTokenizer'],
  ...'gte jina_embeddings_v3 xlm-roberta xmod'.split(' ').map((type) => [type, 'XLMRobertaTokenizer'] as const),
]);

const rulesOf = new Map<string, TokenizerRules>([
  ...(
    'BertTokenizer DistilBertTokenizer DPRContextEncoderTokenizer DPRQuestionEncoderTokenizer ElectraTokenizer ' +
    'LayoutLMTokenizer LxmertTokenizer MobileBertTokenizer SqueezeBertTokenizer'
  )
    .split(' ')
    .map((name) => [name, 'bert'] as const),
  ['MPNetTokenizer', 'mpnet'],
  ['RobertaTokenizer', 'roberta'],
  ['XLMRobertaTokenizer', 'xlmRoberta'],
  ['CamembertTokenizer', 'camembert'],
  ...'TokenizersBackend PreTrainedTokenizer PreTrainedTokenizerFast ConvBertTokenizer FNetTokenizer'
    .split(' ')
    .map((name) => [name, 'file'] as const),
]);

/** Classes of transformers that do not go by `tokenizer.json` alone: in Python, or with rules of their own. */
const others = new Set(
  (
    'AlbertTokenizer BarthezTokenizer BartphoTokenizer BartTokenizer BertGenerationTokenizer BertJapaneseTokenizer ' +
    'BertweetTokenizer BigBirdTokenizer BioGptTokenizer BlenderbotSmallTokenizer BlenderbotTokenizer ByT5Tokenizer ' +
    'CLIPTokenizer CTRLTokenizer CanineTokenizer ClvpTokenizer CodeLlamaTokenizer CohereTokenizer ' +
    'CpmAntTokenizer CpmTokenizer DPRReaderTokenizer DebertaTokenizer DebertaV2Tokenizer EsmTokenizer EsmcTokenizer ' +
    'FSMTTokenizer FlaubertTokenizer FunnelTokenizer GPT2Tokenizer GPTNeoXJapaneseTokenizer GPTNeoXTokenizer ' +
    'GPTSw3Tokenizer GemmaTokenizer HerbertTokenizer LEDTokenizer LayoutLMv2Tokenizer LayoutLMv3Tokenizer ' +
    'LayoutXLMTokenizer LlamaTokenizer LukeTokenizer M2M100Tokenizer MBart50Tokenizer MBartTokenizer MLukeTokenizer ' +
    'MarianTokenizer MarkupLMTokenizer MgpstrTokenizer MistralCommonBackend MvpTokenizer MyT5Tokenizer NllbTokenizer ' +
    'OpenAIGPTTokenizer PLBartTokenizer PegasusTokenizer PerceiverTokenizer PhobertTokenizer ProphetNetTokenizer ' +
    'Qwen2Tokenizer RagTokenizer ReformerTokenizer RemBertTokenizer RoCBertTokenizer RoFormerTokenizer ' +
    'SeamlessM4TTokenizer SentencePieceBackend SiglipTokenizer Speech2TextTokenizer SplinterTokenizer T5Tokenizer ' +
    'TapasTokenizer UdopTokenizer WhisperTokenizer XGLMTokenizer XLMTokenizer XLNetTokenizer'
  ).split(' '),
);
