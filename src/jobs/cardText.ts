import { counted } from '../core/errors.ts';
import { macroF1Interval, normalInterval, wilsonInterval } from '../evaluation/intervals.ts';
import { type CardMetric, writeCard } from '../hub/modelCard.ts';
import { cardRows } from '../settings/card.ts';
import { fileDataset } from './datasets.ts';
import type { RunRecord } from './runFolder.ts';
import type { AdaptResult, DataOptions, FinetuneResult } from './types.ts';

/**
 * The model card of a finished run: a function of its record alone.
 *
 * @param name what the card calls the model: its folder's name
 */
export async function cardOf(record: RunRecord, name: string): Promise<string> {
  const isClassifier = record.command === 'finetune';
  const metrics = isClassifier
    ? classifierMetrics(record.result as FinetuneResult)
    : languageModelMetrics(record.result as AdaptResult, record.about?.after?.lossStandardError);
  const { base, card } = record;
  const configuration = record.configuration as Configuration;
  const measured = measuredData(configuration);
  const datasets = card?.datasets ?? hubDatasets(configuration);
  const task = isClassifier ? 'text-classification' : 'fill-mask';
  const purpose = { adapt: ['domain-adaptation'], pretrain: [], finetune: [] }[record.command] ?? [];
  const text = [
    `# ${plain(name)}`,
    introduction(record),
    section('Results', results(record, metrics, measured.name)),
    section('Training data', trainingData(record, configuration)),
    section('Settings', settingsTable(configuration, record)),
    section('Use', use(record)),
    section('Limits', limits(record)),
  ].join('\n\n');
  return writeCard(
    {
      ...{ name, task, metrics, datasets, measuredOn: measured },
      tags: ['bert', 'bertune', ...purpose],
      baseModel: base?.repo,
      license: card?.license ?? base?.license,
      languages: card?.languages ?? base?.languages,
    },
    text,
  );
}

/** What cards use of the settings of a run. */
interface Configuration extends Readonly<Record<string, unknown>> {
  readonly corpus?: DataOptions;
  readonly train?: DataOptions;
  readonly eval?: DataOptions;
}

function classifierMetrics({ accuracy, macroF1, loss, lossStandardError, count, confusion }: FinetuneResult) {
  const right = confusion.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  const metrics: CardMetric[] = [
    { type: 'accuracy', name: 'Accuracy', value: accuracy, ...wilsonInterval(right, count) },
    { type: 'f1', name: 'Macro F1', value: macroF1, ...macroF1Interval(confusion) },
    { type: 'loss', name: 'Cross-entropy', value: loss, ...normalInterval(loss, lossStandardError) },
  ];
  return metrics;
}

function languageModelMetrics({ evalLossAfter: loss, perplexityAfter }: AdaptResult, standardError = 0): CardMetric[] {
  if (loss === null || perplexityAfter === null) return [];
  const interval = normalInterval(loss, standardError);
  const perplexity = { low: Math.exp(interval.low), high: Math.exp(interval.high) };
  return [
    { type: 'perplexity', name: 'Pseudo-perplexity of masked tokens', value: perplexityAfter, ...perplexity },
    { type: 'loss', name: 'Masked-token cross-entropy', value: loss, ...interval },
  ];
}

function introduction({ command, base, result, about }: RunRecord): string {
  const size = about
    ? ` It has ${about.layers} layers of ${about.hiddenSize} and ${(about.parameters / 1e6).toFixed(1)} M parameters.`
    : '';
  const from = base?.repo ? `[${base.repo}](https://huggingface.co/${base.repo})` : 'a BERT';
  if (command === 'finetune') {
    const { labels } = result as FinetuneResult;
    return `A text classifier with ${counted(labels.length, 'label')}, fine-tuned from ${from} with bertune.${size}`;
  }
  const how = command === 'pretrain' ? 'trained from a random start' : `adapted to its own kind of text from ${from}`;
  return `A BERT masked language model, ${how} with bertune.${size}`;
}

function results(record: RunRecord, metrics: readonly CardMetric[], measuredOn: string): string {
  if (metrics.length === 0) return 'Not measured: no text was held out.';
  const rows = metrics.map(({ name, value, low, high }) => [
    name,
    decimals(value),
    low === undefined || high === undefined || low === high ? '-' : `${decimals(low)} to ${decimals(high)}`,
  ]);
  const table = markdownTable(['', 'value', '95 % interval'], rows);
  if (record.command === 'finetune') {
    const { count } = record.result as FinetuneResult;
    return `Measured on ${counted(count, 'text')} that training has not seen (${plain(measuredOn)}). The interval of accuracy is Wilson's, that of macro F1 by the delta method, that of the cross-entropy from its spread over texts.\n\n${table}`;
  }
  const { evalLossBefore: before, evalLossAfter: after, perplexityBefore } = record.result as AdaptResult;
  const count = record.about?.after?.count ?? 0;
  const change =
    record.command === 'adapt' && before !== null && after !== null && perplexityBefore !== null
      ? `\n\nBefore training, the same tokens under the same masks had a cross-entropy of ${decimals(before)} (perplexity ${decimals(perplexityBefore)}): it ${after < before ? 'fell' : 'rose'} by ${decimals(Math.abs(before - after))}.`
      : '';
  return `Measured on ${counted(count, 'masked token')} of held-out text (${plain(measuredOn)}), with masks that never move. The intervals take each text as one draw.\n\n${table}${change}`;
}

function trainingData({ command, data, result }: RunRecord, configuration: Configuration): string {
  const names = sourceNames(command === 'finetune' ? configuration.train : configuration.corpus);
  if (command === 'finetune') {
    const { train } = data as { train: number };
    const { labels } = result as FinetuneResult;
    return `${counted(train, 'labeled text')} (${names}) with the labels ${listed(labels)}.`;
  }
  const { corpus } = data as { corpus: { texts: number; tokens: number } };
  const { tokens, steps } = result as AdaptResult;
  return `${counted(corpus.texts, 'text')} of ${counted(corpus.tokens, 'token')} (${names}), without labels. ${counted(tokens, 'token')} were trained on in ${counted(steps, 'step')}.`;
}

function settingsTable(configuration: Configuration, { result, versions }: RunRecord): string {
  const rows = cardRows(configuration).map(({ name, value }) => [name, plain(value)]);
  const { steps } = result as { steps: number };
  const made = `AdamW, ${counted(steps, 'step')}. bertune ${versions.bertune}, ONNX Runtime ${versions['onnxruntime-node']}, Node ${versions.node}.`;
  return `${made}\n\n${markdownTable(['setting', 'value'], rows)}`;
}

function use({ command }: RunRecord): string {
  const [task, text, bertune] =
    command === 'finetune'
      ? ['text-classification', 'how do i send this back?', "echo 'how do i send this back?' | bertune predict --model"]
      : ['fill-mask', 'where is my [MASK]?', "bertune fill-mask 'where is my [MASK]?' --model"];
  return [
    '```python',
    'from transformers import pipeline',
    '',
    `pipe = pipeline("${task}", model="path/or/name/of/this/model")`,
    `print(pipe("${text}"))`,
    '```',
    '',
    '```sh',
    `${bertune} path/or/name/of/this/model`,
    '```',
  ].join('\n');
}

function limits({ command, result, configuration, about }: RunRecord): string {
  const { maxLength } = configuration as { maxLength?: number };
  const cut = command === 'finetune' ? 'cut to that length' : 'split into pieces of that length';
  const length = maxLength === undefined ? [] : [`Texts longer than ${maxLength} tokens were ${cut} in training.`];
  const own =
    command === 'finetune'
      ? [
          'It knows no label but those above: a text of another kind gets one of them, too. A score is no calibrated probability.',
          ...fewTexts(result as FinetuneResult),
          'The held-out texts come from the same source as those of training; on other text it may do worse than measured.',
        ]
      : [
          'It has learned from the texts above, with what is wrong, private or unfair in them; it may repeat their words.',
          'Perplexity compares models of one vocabulary on one text only.',
          ...fewTokens(about?.after?.count),
        ];
  return [...own, ...length].map((line) => `- ${line}`).join('\n');
}

function fewTexts({ labels, confusion }: FinetuneResult): string[] {
  const few = labels.filter((_, i) => (confusion[i] ?? []).reduce((sum, cell) => sum + cell, 0) < 10);
  if (few.length === labels.length) {
    return ['Each label is measured by fewer than ten texts: little is known about any one of them.'];
  }
  return few.length === 0 ? [] : [`Fewer than ten texts measure ${listed(few)}: little is known about these labels.`];
}

/** Below this many predictions chance moves the held-out loss by several hundredths. */
export const fewPredictions = 1000;

function fewTokens(count: number | undefined): string[] {
  if (count === undefined || count >= fewPredictions) return [];
  return [
    `${counted(count, 'masked token')} measure it: so few that chance alone moves the loss by several hundredths.`,
  ];
}

function measuredData(configuration: Configuration): { type: string; name: string } {
  const training = configuration.train ?? configuration.corpus;
  const [data, part] = configuration.eval ? [configuration.eval, ''] : [training, ', held-out part'];
  return { type: fileDataset(data?.files[0]).type, name: `${sourceNames(data)}${part}` };
}

function hubDatasets(configuration: Configuration): string[] {
  const files = [configuration.train, configuration.corpus, configuration.eval].flatMap((data) => data?.files ?? []);
  return [...new Set(files.flatMap((file) => fileDataset(file).hub ?? []))];
}

function sourceNames(data: DataOptions | undefined): string {
  const names = (data?.files ?? []).map((file) => fileDataset(file).name);
  return listed([...new Set(names)]);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 80).map(plain).join(', ');
  return names.length > 80 ? `${shown}, and ${names.length - 80} more` : shown;
}

function section(title: string, text: string): string {
  return `## ${title}\n\n${text}`;
}

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A text of the user's as Markdown that shows it and does nothing else. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>#|]/g, '\\$&')
    .trim();
}

function decimals(value: number): string {
  if (value >= 1e6) return value.toExponential(2);
  return String(Number(value.toFixed(value >= 10 ? 2 : 4)));
}
