import type { InspectResult, SentenceFacts, WordsFacts } from '../../jobs/types.ts';
import type { CommandSpec } from '../command.ts';
import { printable, quantity, table } from '../format.ts';
import { given, required, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

const labelsShown = 20;

export const inspectCommand: CommandSpec = {
  name: 'inspect',
  group: 'judge',
  summary: 'show what a model folder holds: sizes, parameters, heads, labels, how vectors are made',
  job: 'inspect',
  examples: ['bertune inspect --model checkpoints/bert-mini-sentences'],
  async run(settings, context) {
    const { inspect } = await import('../../jobs/inspect.ts');
    const options = given({ model: required(settings, 'model'), offline: settings.offline });
    const result = await withProgress(context, (hooks) => inspect(options, hooks));
    await writeResult(context, settings, result, () => inspection(result));
  },
};

function inspection(result: InspectResult): string {
  const rows = table(
    [
      ['folder', result.path],
      ['model type', printable(result.modelType)],
      ['heads', result.heads.length > 0 ? result.heads.map((head) => headNames[head]).join(', ') : 'none'],
      ...(result.layers === 0 ? [] : networkRows(result)),
      ...(result.words ? [['words', wordsTitle(result.words)]] : []),
      ['parameters', quantity(result.parameters)],
      ['stored as', printable(result.storedAs)],
      result.task === 'number' ? ['number', labelList(result.labels)] : ['labels', labelList(result.labels)],
      ...(result.task === null ? [] : [['task', result.task]]),
      ...(result.reads === null ? [] : [['classifier reads', result.reads]]),
      ...(result.sentence ? sentenceRows(result.sentence) : []),
      ...(result.pairs ? [['labels pairs of', `${result.pairs.text} with ${result.pairs.pair}`]] : []),
      ...(result.mostWindows === undefined
        ? []
        : [['long texts', `in up to ${quantity(result.mostWindows)} windows, what is made of them averaged`]]),
    ],
    ['left', 'left'],
  );
  return [rows, ...result.notes.map((note) => `note: ${printable(note)}`)].join('\n');
}

function networkRows(result: InspectResult): string[][] {
  return [
    ['layers', quantity(result.layers)],
    ['hidden size', quantity(result.hiddenSize)],
    ['attention heads', quantity(result.attentionHeads)],
    ['intermediate size', quantity(result.intermediateSize)],
    ['activation', printable(result.activation)],
    ['vocabulary', quantity(result.vocabularySize)],
    ['positions', quantity(result.maxPositions)],
  ];
}

function wordsTitle({ words, characters, weight }: WordsFacts): string {
  const terms = `TF-IDF of ${quantity(words)} words and pairs, ${quantity(characters)} runs of characters`;
  return weight === null ? terms : `${terms}, counting ${weight} beside the network`;
}

const headNames = {
  ...{ mlmHead: 'masked language model', pooler: 'pooler' },
  ...{ classifier: 'classifier', tokenClassifier: 'token classifier' },
} as const;

function labelList(labels: readonly string[] | null): string {
  if (labels === null) return 'none';
  const first = labels.slice(0, labelsShown).map(printable).join(', ');
  const rest = labels.length - labelsShown;
  return `${labels.length}: ${first}${rest > 0 ? `, and ${rest} more` : ''}`;
}

function sentenceRows(facts: SentenceFacts): string[][] {
  const {
    poolingTitle,
    includePrompt,
    modules,
    dimensions,
    mostDimensions,
    prompts,
    defaultPrompt,
    maxLength,
    lowerCase,
    similarity,
  } = facts;
  const names = Object.entries(prompts).map(([name, text]) => {
    const isDefault = name === defaultPrompt ? ' (the default)' : '';
    return `${printable(name)}${isDefault}: ${JSON.stringify(printable(text))}`;
  });
  return [
    ['pooling', `${poolingTitle}${includePrompt ? '' : ', without the prompt'}`],
    ['modules', modules.length > 0 ? modules.map(moduleTitle).join(', then ') : 'none'],
    [
      'vector',
      dimensions === mostDimensions
        ? `${quantity(dimensions)} numbers`
        : `the first ${quantity(dimensions)} of ${quantity(mostDimensions)} numbers`,
    ],
    ['prompts', names.length > 0 ? names.join(', ') : 'none'],
    ['longest text', `${quantity(maxLength)} tokens`],
    ['lower-casing', lowerCase ? 'before the tokenizer' : "the tokenizer's own"],
    ['similarity', similarity === null ? 'not said' : printable(similarity)],
  ];
}

function moduleTitle(module: SentenceFacts['modules'][number]): string {
  switch (module.type) {
    case 'Dense':
      return `Dense ${module.inputs} to ${module.outputs}, ${module.activation}${module.bias ? '' : ', without bias'}`;
    case 'Dropout':
      return `Dropout ${module.rate}`;
    default:
      return module.type;
  }
}
