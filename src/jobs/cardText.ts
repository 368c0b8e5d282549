import { counted, withArticle } from '../core/errors.ts';
import { type CardMetric, writeCard } from '../hub/modelCard.ts';
import { type HeadName, heads, isClassifier } from '../models/text/heads/table.ts';
import { cardRows } from '../settings/card.ts';
import { distilled } from './cards/distilled.ts';
import { type CardConfiguration, decimals, familyOf, type HeadCard, listed, plain } from './cards/headCard.ts';
import { manyLabelsCard } from './cards/manyLabels.ts';
import { maskedLmCard } from './cards/maskedLm.ts';
import { numberCard } from './cards/number.ts';
import { oneLabelCard } from './cards/oneLabel.ts';
import { tokenLabelsCard } from './cards/tokenLabels.ts';
import { classifierUse, encoderUse, hybridUse, pairUse, pipelineUse, wordsUse } from './cards/use.ts';
import { fileDataset } from './datasets.ts';
import { labelKindOf } from './labelKinds/table.ts';
import type { RunRecord, WordsUse } from './runRecord.ts';
import type { AnyFinetuneResult, DataOptions, FittedHead } from './types.ts';

/** The card of each head; null for one that no run trains by itself. */
const cards: Readonly<Record<HeadName, HeadCard | null>> = {
  maskedLm: maskedLmCard,
  oneLabel: oneLabelCard,
  manyLabels: manyLabelsCard,
  number: numberCard,
  tokenLabels: tokenLabelsCard,
  pooled: null,
};

/** Results of one label name no task. */
function headOfTask(result: AnyFinetuneResult): HeadName {
  return 'task' in result ? labelKindOf(result.task) : 'oneLabel';
}

/** What the runs of a command train, and the tags of the Hub for it. */
interface Kind {
  readonly head: HeadName;
  readonly tags: readonly string[];
  /** In place of the head's. */
  readonly card?: HeadCard;
}

const kinds: Readonly<Record<string, Kind | ((record: RunRecord) => Kind)>> = {
  adapt: { head: 'maskedLm', tags: ['domain-adaptation'] },
  pretrain: { head: 'maskedLm', tags: [] },
  finetune: (record) => ({
    head: isOfTokens(record) ? 'tokenLabels' : headOfTask(record.result as AnyFinetuneResult),
    tags: [],
  }),
  distill: (record) => ({ ...distilled(record), tags: ['distillation'] }),
};

/** Whether a run of fine-tuning learned labels on tokens. */
function isOfTokens({ result }: RunRecord): boolean {
  return typeof result === 'object' && result !== null && 'entities' in result;
}

/**
 * The model card of a finished run: a function of its record alone.
 *
 * @param name what the card calls the model: its folder's name
 */
export async function cardOf(record: RunRecord, name: string): Promise<string> {
  const found = kinds[record.command];
  const kind = typeof found === 'function' ? found(record) : found;
  const head = kind && (kind.card ?? cards[kind.head]);
  if (!head) throw new Error(`internal: no card for runs of ${record.command}`);
  const metrics = head.metrics(record);
  const { base, card } = record;
  const configuration = record.configuration as CardConfiguration;
  const measured = measuredData(configuration);
  const datasets = card?.datasets ?? hubDatasets(configuration);
  const task = heads[head.trained?.(record) ?? kind.head].pipeline;
  const text = [
    `# ${plain(name)}`,
    introduction(record, head),
    section('Results', results(record, head, metrics, measured.name)),
    section('Training data', head.trainingData(record, sourceNames(configuration[head.data]))),
    section('Settings', settingsTable(configuration, record, head)),
    section('Use', use(record, kind.head, head)),
    section('Limits', limits(record, head)),
  ].join('\n\n');
  return writeCard(
    {
      ...{ name, task, metrics, datasets, measuredOn: measured },
      tags: [familyOf(record).type, 'bertune', ...kind.tags],
      baseModel: base?.repo,
      license: card?.license ?? base?.license,
      languages: card?.languages ?? base?.languages,
      library: libraryOf(record),
      pipeline: record.about?.sentence && !isClassifier(kind.head) ? 'sentence-similarity' : undefined,
    },
    text,
  );
}

function libraryOf({ about }: RunRecord): string | undefined {
  if (about?.words) return 'bertune';
  return about?.sentence && 'sentence-transformers';
}

function introduction(record: RunRecord, head: HeadCard): string {
  const { base, about } = record;
  const { words } = about ?? {};
  if (words?.weight === null) return `${head.introduction(record, '')} ${wordsRead(words)}`;
  const size = about
    ? ` It has ${about.layers} layers of ${about.hiddenSize} and ${(about.parameters / 1e6).toFixed(1)} M parameters.`
    : '';
  const from = base?.repo ? `[${base.repo}](https://huggingface.co/${base.repo})` : withArticle(familyOf(record).title);
  const reads = about?.sentence ? ` ${head.vectors(about.sentence.reads, record)}` : '';
  const beside = words
    ? ` Beside the network stands a classifier on words. ${wordsRead(words)} The answer is softmax(log p(network) + ${words.weight} · log p(words)).`
    : '';
  return `${head.introduction(record, from)}${size}${reads}${beside}`;
}

function results(record: RunRecord, head: HeadCard, metrics: readonly CardMetric[], measuredOn: string): string {
  if (metrics.length === 0) return 'Not measured: no text was held out.';
  const rows = metrics.map(({ name, value, low, high }) => [
    name,
    decimals(value),
    low === undefined || high === undefined || low === high ? '-' : `${decimals(low)} to ${decimals(high)}`,
  ]);
  const { before, after } = head.results(record, plain(measuredOn));
  const table = markdownTable(['', 'value', '95 % interval'], rows);
  return [before, table, ...(after === undefined ? [] : [after])].join('\n\n');
}

function settingsTable(
  configuration: CardConfiguration,
  { result, versions, about }: RunRecord,
  { fit = 'Logistic regression' }: HeadCard,
): string {
  const rows = cardRows(configuration).map(({ name, value }) => [name, plain(value)]);
  if (about?.sentence) {
    const { reads, dimensions, prompt, maxLength } = about.sentence;
    rows.push(['vector', `${plain(reads)}: ${dimensions} numbers`]);
    rows.push(['prompt', prompt === '' ? 'none' : `"${plain(prompt)}"`]);
    if (maxLength !== undefined) rows.push(['longest text', `${maxLength} tokens`]);
  }
  const { steps, head } = result as { steps: number; head?: FittedHead };
  const way = about?.words ? wordsWay(about.words, fit, networkWay(steps, fit, head)) : networkWay(steps, fit, head);
  const { device = 'cpu', runtime } = configuration as { device?: string; runtime?: string };
  const engine = device === 'cpu' ? `ONNX Runtime ${versions['onnxruntime-node']}` : plain(String(runtime));
  const made = `${way}. bertune ${versions.bertune}, ${engine}, Node ${versions.node}.`;
  return `${made}\n\n${markdownTable(['setting', 'value'], rows)}`;
}

function networkWay(steps: number, fit: string, head: FittedHead | undefined): string {
  return head ? `${fit} on the vectors of the frozen encoder, C ${head.c}` : `AdamW, ${counted(steps, 'step')}`;
}

function wordsWay({ c, weight }: WordsUse, fit: string, network: string): string {
  const words = `${fit.slice(1)} on TF-IDF weights of words and runs of characters, C ${c}`;
  if (weight === null) return `${fit[0]}${words}`;
  return `${network}; ${fit[0]?.toLowerCase()}${words}; both joined with weight ${weight}`;
}

function wordsRead({ words, characters }: WordsUse): string {
  return `It reads TF-IDF weights of ${counted(words, 'word or pair', 'words and pairs')} and ${counted(characters, 'run')} of characters, in lower case.`;
}

function use(record: RunRecord, name: HeadName, head: HeadCard): string {
  const { words, pairs, sentence } = record.about ?? {};
  if (pairs) return pairUse(pairs, !words && !sentence);
  if (!words) return networkUse(record, name, head);
  if (words.weight === null) return wordsUse(head.example);
  return [hybridUse(head.example), networkUse(record, name, head)].join('\n\n');
}

function networkUse(record: RunRecord, name: HeadName, { example, trained, python }: HeadCard): string {
  const { about } = record;
  if (!about?.sentence) return pipelineUse(heads[name].pipeline, example);
  return isClassifier(name)
    ? classifierUse(example, about.sentence, python)
    : encoderUse(example, about.sentence, trained?.(record) !== 'pooled');
}

function limits(record: RunRecord, head: HeadCard): string {
  const { maxLength } = record.configuration as { maxLength?: number };
  const { words } = record.about ?? {};
  const length = maxLength === undefined || words?.weight === null ? [] : [longTexts(record, head, maxLength)];
  return [...head.limits(record), ...length].map((line) => `- ${line}`).join('\n');
}

function longTexts({ about }: RunRecord, head: HeadCard, maxLength: number): string {
  if (about?.mostWindows === undefined)
    return `Texts longer than ${maxLength} tokens were ${head.longTexts} in training.`;
  return `bertune reads texts longer than ${maxLength} tokens in up to ${about.mostWindows} windows and averages their logits. Python and JavaScript as above read the start of such a text alone: give them its windows one by one and average the logits.`;
}

function measuredData(configuration: CardConfiguration): { type: string; name: string } {
  const training = configuration.train ?? configuration.corpus;
  const [data, part] = configuration.eval ? [configuration.eval, ''] : [training, ', held-out part'];
  // As they are: what stands in Markdown is escaped there.
  const names = namesOf(data).slice(0, mostNames).join(', ');
  return { type: fileDataset(data?.files[0]).type, name: `${names}${part}` };
}

function hubDatasets(configuration: CardConfiguration): string[] {
  const files = [configuration.train, configuration.corpus, configuration.eval].flatMap((data) => data?.files ?? []);
  return [...new Set(files.flatMap((file) => fileDataset(file).hub ?? []))];
}

/** Files that the metadata name; more are counted in the text alone. */
const mostNames = 80;

function namesOf(data: DataOptions | undefined): string[] {
  return [...new Set((data?.files ?? []).map((file) => fileDataset(file).name))];
}

function sourceNames(data: DataOptions | undefined): string {
  return listed(namesOf(data));
}

function section(title: string, text: string): string {
  return `## ${title}\n\n${text}`;
}

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
