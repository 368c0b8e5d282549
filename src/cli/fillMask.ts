import { UsageError } from '../core/errors.ts';
import { anyMask } from '../jobs/anyMask.ts';
import type { Candidate, FillMaskResult, LoadedModel } from '../jobs/types.ts';
import { settings } from '../settings/table.ts';
import { bar, percent, printable, table } from './format.ts';

/** How many words are ranked, and which. */
export interface Ranking {
  readonly topK: number;
  /** Only these words, when given. */
  readonly targets?: readonly string[];
}

export const defaultTopK = settings.topK.default;

/** What to type when a text has no mask. */
export const maskHint = 'type a sentence with [MASK] where a word is missing, for example: where is my [MASK]?';

const barWidth = 24;

type Mask = FillMaskResult['masks'][number];

/**
 * Ranks the words of every `[MASK]` of a text, which a model's own token may stand for, too. With targets, all of them
 * are ranked.
 *
 * @throws UsageError when the text has no `[MASK]`.
 */
export async function fillMask(model: LoadedModel, text: string, ranking: Ranking): Promise<FillMaskResult> {
  if (!hasMask(model, text)) throw new UsageError(`no [MASK] in the text: ${maskHint}`);
  const { targets, topK } = ranking;
  return targets === undefined
    ? model.fillMask(text, { topK })
    : model.fillMask(text, { topK: targets.length, targets });
}

/** Whether a text has a `[MASK]`, or the token that stands for it in a model. */
export function hasMask({ maskToken }: LoadedModel, text: string): boolean {
  return text.includes(anyMask) || text.includes(maskToken);
}

/** The ranked words of every mask, with percentages and bars. The longest bar is the likeliest word of the mask. */
export function rankedWords(result: FillMaskResult): string {
  const { masks } = result;
  return masks.map((mask, i) => [...heading(i, masks), wordTable(mask)].join('\n')).join('\n\n');
}

interface Answer {
  readonly model: LoadedModel;
  readonly result: FillMaskResult;
}

/**
 * The words of two models side by side, those of either, with what the second one gives more or less. A model that was
 * trained from the other one is the second, whichever is given first.
 */
export async function comparedWords(one: Answer, other: Answer): Promise<string> {
  // Loaded when two models are compared: a command's help does without what reads records.
  const { isTrainedFrom } = await import('../jobs/lineage.ts');
  const [first, second] = isTrainedFrom(one.model.path, other.model.path) ? [other, one] : [one, other];
  const tokens = [...new Set([first, second].flatMap(({ result }) => result.masks).flatMap(tokensOf))];
  const [before, after] = [await scoresOf(first, tokens), await scoresOf(second, tokens)];
  const names = [shortName(first.model.path, second.model.path), shortName(second.model.path, first.model.path)];
  const { masks } = first.result;
  return masks
    .map((mask, i) => {
      const other = second.result.masks[i];
      const listed = new Set([...tokensOf(mask), ...(other ? tokensOf(other) : [])]);
      const rows = [...listed]
        .map((token) => ({ token, from: before[i]?.get(token), to: after[i]?.get(token) }))
        .sort((a, b) => Math.max(b.from ?? 0, b.to ?? 0) - Math.max(a.from ?? 0, a.to ?? 0));
      return [...heading(i, masks), comparisonTable(rows, names)].join('\n');
    })
    .join('\n\n');
}

function heading(i: number, masks: readonly Mask[]): string[] {
  return masks.length > 1 ? [`[MASK] ${i + 1} of ${masks.length}`] : [];
}

function wordTable({ candidates }: Mask): string {
  const most = Math.max(...candidates.map(({ score }) => score), Number.MIN_VALUE);
  const rows = candidates.map(({ token, score }) => [
    `  ${printable(token)}`,
    percent(score),
    bar(score / most, barWidth),
  ]);
  return table(rows, ['left', 'right', 'left']);
}

interface Change {
  readonly token: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

function comparisonTable(changes: readonly Change[], names: readonly string[]): string {
  const most = Math.max(...changes.flatMap(({ from = 0, to = 0 }) => [from, to]), Number.MIN_VALUE);
  const cells = (score: number | undefined) => (score === undefined ? ['-', ''] : [percent(score), half(score / most)]);
  const rows = changes.map(({ token, from, to }) => [
    `  ${printable(token)}`,
    ...cells(from),
    ...cells(to),
    changeOf(from, to),
  ]);
  const header = ['', '', names[0] ?? '', '', names[1] ?? '', 'change'];
  return table([header, ...rows], ['left', 'right', 'left', 'right', 'left', 'left']);
}

function half(share: number): string {
  return bar(share, barWidth / 2);
}

function changeOf(from: number | undefined, to: number | undefined): string {
  if (from === undefined || to === undefined) return 'not in both vocabularies';
  const points = 100 * (to - from);
  if (Math.abs(points) < 0.05) return 'same';
  return points > 0 ? `rose +${points.toFixed(1)}` : `fell −${(-points).toFixed(1)}`;
}

/** For each mask, the probability of every token that the model knows, those beyond its first ones included. */
async function scoresOf(
  { model, result }: { model: LoadedModel; result: FillMaskResult },
  tokens: readonly string[],
): Promise<Map<string, number>[]> {
  const scores = result.masks.map(({ candidates }) => new Map(candidates.map(({ token, score }) => [token, score])));
  const missing = tokens.filter((token) => scores.some((known) => !known.has(token)));
  for (const { masks } of await askAbout(model, result.text, missing)) {
    masks.forEach(({ candidates }, i) => {
      for (const { token, score } of candidates) scores[i]?.set(token, score);
    });
  }
  return scores;
}

/** Asks for all tokens at once, and one by one where the model refuses a token that it does not have. */
async function askAbout(model: LoadedModel, text: string, tokens: readonly string[]): Promise<FillMaskResult[]> {
  if (tokens.length === 0) return [];
  try {
    return [await model.fillMask(text, { topK: tokens.length, targets: tokens })];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    if (tokens.length === 1) return [];
    const answers: FillMaskResult[] = [];
    for (const token of tokens) answers.push(...(await askAbout(model, text, [token])));
    return answers;
  }
}

function tokensOf({ candidates }: { candidates: readonly Candidate[] }): string[] {
  return candidates.map(({ token }) => token);
}

/** The last folder of a path, or the whole path when the other one ends the same. */
function shortName(path: string, other: string): string {
  const last = (text: string) => text.split('/').filter(Boolean).at(-1) ?? text;
  return last(path) === last(other) ? path : last(path);
}
