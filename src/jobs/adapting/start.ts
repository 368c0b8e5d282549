import { UsageError } from '../../core/errors.ts';
import { type Message, say, setting } from '../../core/message.ts';
import type { SentenceSettings } from '../../hub/sentenceFolder.ts';
import { inspectText } from '../../hub/textFolder.ts';
import type { HubConfig } from '../../models/text/config.ts';
import type { HeadName } from '../../models/text/heads/table.ts';
import type { TextModel } from '../../models/text/model.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { type AdaptingObjective, type AdaptingTerms, termsOf } from '../../tasks/text/objectives/adapting.ts';
import type { TextTokenizer } from '../../text/textTokenizer.ts';
import { type BaseFacts, baseFacts } from '../baseFacts.ts';
import { findModel, readFound } from '../findModel.ts';
import { note } from '../note.ts';
import { readModel } from '../textModel.ts';
import type { AdaptOptions, JobHooks, MaskingOptions } from '../types.ts';

/** What a run starts from that learns from a corpus. */
export interface AdaptStart {
  /** As messages name it. */
  readonly name: string;
  readonly model: TextModel;
  readonly raw: HubConfig;
  readonly values: ParameterValues;
  readonly tokenizer: TextTokenizer;
  readonly pooler?: ParameterValues;
  /** Values of a sentence encoder's modules, and what its folder says beside them. */
  readonly beside?: ParameterValues;
  readonly sentence?: SentenceSettings | null;
  /** What is known of the model that the run starts from; absent for a random start. */
  readonly base?: BaseFacts;
  readonly objective: AdaptingObjective;
  readonly terms: AdaptingTerms;
  /** The head that the saved folder has. */
  readonly head: HeadName;
}

/**
 * The model that is adapted, with the objective that suits it where none is asked for.
 *
 * @throws UsageError for settings that the objective has no use for; BertuneError for weights that cannot be used
 */
export async function adaptStart(
  options: Pick<AdaptOptions, 'model' | 'offline' | 'maskProbability' | 'wholeWord'>,
  settings: { readonly objective?: AdaptingObjective; readonly seed: number; readonly accumulationSteps: number },
  hooks: JobHooks,
): Promise<AdaptStart> {
  const found = await findModel(options.model, options, hooks);
  const onNote = (line: string | Message) => note(hooks, line);
  const facts = await readFound(found, (folder) => inspectText(folder));
  // A sentence encoder is adapted by what its vectors gain by.
  const objective = settings.objective ?? (facts.model.sentence ? 'neighbours' : 'masked');
  const terms = termsOf(objective, facts.present.includes('mlmHead'));
  checkMasking(options, objective, terms);
  const heads = headsOf(terms);
  const head = heads[0];
  const beside = ['pooler', 'sentence', ...(head === 'pooled' ? (['mlmHead'] as const) : [])] as const;
  const loaded = await readModel(found, { head: heads, beside, seed: settings.seed }, onNote);
  // The base's pooler is kept beside the adapted model, which has none, for fine-tuning.
  const pooler = loaded.present.includes('pooler') ? loaded.beside : undefined;
  // A head that is not trained stays what it is.
  const kept = loaded.present.includes('mlmHead') ? 'maskedLm' : head;
  if (objective === 'masked' && loaded.model.sentence) note(hooks, masksAlone);
  if (objective === 'contrastive' && settings.accumulationSteps > 1) note(hooks, fewerTexts);
  return {
    ...loaded,
    name: options.model,
    head: kept,
    objective,
    terms,
    pooler,
    base: await baseFacts(found, hooks),
  };
}

/** @throws UsageError for settings of masking where nothing is masked */
function checkMasking(options: MaskingOptions, objective: AdaptingObjective, terms: AdaptingTerms): void {
  if (terms.words !== undefined) return;
  for (const name of ['maskProbability', 'wholeWord'] as const) {
    if (options[name] === undefined || options[name] === false) continue;
    throw new UsageError(
      say`${setting(name)} is of masked words, which ${setting('objective')} ${objective} does not learn; leave it out, or choose another ${setting('objective')}`,
    );
  }
}

/** The heads that an objective trains, the one that the model is saved with first. */
function headsOf(terms: AdaptingTerms): readonly [HeadName, ...HeadName[]] {
  const { words, ...onVectors } = terms;
  if (words === undefined) return ['pooled'];
  return Object.keys(onVectors).length === 0 ? ['maskedLm'] : ['maskedLm', 'pooled'];
}

const masksAlone = say`masked words alone spoil the vectors of a sentence encoder; without ${setting('objective')} they are kept`;

const fewerTexts = say`each text is told from those of its micro-batch alone: more ${setting('accumulationSteps')}, fewer texts`;
