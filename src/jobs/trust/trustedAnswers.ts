import { digestOfFile } from '../../data/cacheFolder.ts';
import type { Promised } from '../../evaluation/trust/policy.ts';
import type { OptionsFrom } from '../../settings/options.ts';
import type { trusted } from '../../settings/takes.ts';
import type { AnswerKind } from '../answers/answerKind.ts';
import { note } from '../note.ts';
import type { OpenModel } from '../openModel.ts';
import type { JobHooks } from '../types.ts';
import { asksTrust, type Decisions, decisionsOf } from './decisions.ts';

/** Answers of a model, with their columns and what is known of them. */
export interface TrustedAnswers extends Pick<Decisions, 'answered'> {
  /** Columns of a file of them, where they are not those of the model's kind. */
  readonly columns?: AnswerKind['columns'];
  readonly promises?: readonly Promised[];
  /** The same in words. */
  readonly promised?: readonly string[];
}

/**
 * The answers of a model as they are: or, where it is asked for, with texts left unlabeled and sets of labels. Says what
 * is promised of them, and on which texts. Throws as `decisionsOf` and `readCosts`.
 */
export async function trustedAnswers(
  model: OpenModel,
  asked: OptionsFrom<typeof trusted>,
  hooks: JobHooks,
): Promise<TrustedAnswers> {
  if (!asksTrust(asked)) return { answered: (texts) => model.answered(texts) };
  const { costs, ...others } = asked;
  const decisions = decisionsOf(model, { ...others, ...(await costsIn(costs, model, hooks)) });
  for (const line of decisions.lines) note(hooks, line);
  return { ...decisions, promised: decisions.lines.map(String) };
}

/**
 * Settings with what the table of costs holds in place of its name, for those who have to share it: on other machines the
 * same name may be another table. A file that cannot be read keeps its name; reading it says what is wrong.
 */
export async function withCostsRead<T extends { readonly costs?: string }>(settings: T): Promise<T> {
  if (settings.costs === undefined) return settings;
  const costs = await digestOfFile(settings.costs).catch(() => settings.costs);
  return { ...settings, costs };
}

/** The table of costs, where there is one: what reads tables is loaded then alone. */
async function costsIn(file: string | undefined, { labels }: OpenModel, hooks: JobHooks) {
  if (file === undefined || !labels) return {};
  const { costsOf, readCosts } = await import('./costs.ts');
  return { costs: costsOf(await readCosts(file, labels, hooks)) };
}
