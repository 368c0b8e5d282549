import { counted, UsageError } from '../../core/errors.ts';
import { type Message, say, setting } from '../../core/message.ts';
import { softmax } from '../../evaluation/classification.ts';
import { leastTexts } from '../../evaluation/trust/conformal.ts';
import { type Costs, choosePolicy, decide, type Impossible, type Promised } from '../../evaluation/trust/policy.ts';
import type { OptionsFrom } from '../../settings/options.ts';
import type { trusted } from '../../settings/takes.ts';
import { type Answered, type AnswerKind, ranked } from '../answers/answerKind.ts';
import { answerKinds } from '../answers/table.ts';
import type { OpenModel } from '../openModel.ts';
import type { Decision } from '../types.ts';
import { answersWith } from './answersWith.ts';
import { seenRows } from './seenRows.ts';
import type { Reading, Trust } from './trust.ts';

/** What is asked of answers, as settings; costs are read beforehand. */
export type AskedTrust = Omit<OptionsFrom<typeof trusted>, 'costs'> & { readonly costs?: Costs };

/** Answers that say what they do not know. */
export interface Decisions {
  /** The columns of a file of them. */
  readonly columns: AnswerKind['columns'];
  readonly promises: readonly Promised[];
  /** What is promised, and on which texts, a line each. */
  readonly lines: readonly Message[];
  answered(texts: readonly string[]): Promise<Answered[]>;
}

/** Whether anything is asked that needs what is known of a model's trust. */
export function asksTrust(asked: Partial<Record<keyof AskedTrust, unknown>>): boolean {
  return [...trustSettings, ...Object.keys(partOf)].some((name) => isAsked(asked[name as keyof AskedTrust]));
}

const trustSettings = ['abstain', 'mostWrong', 'answered', 'costs', 'coverage'] as const;
/** Settings that say more of another one, and nothing alone. */
const partOf = { sets: 'coverage', confidence: 'mostWrong' } as const;

function isAsked(value: unknown): boolean {
  return value !== undefined && value !== false;
}

/**
 * The answers of a model as they are asked for.
 *
 * @throws UsageError for a model that does not answer with one label or of which nothing is known, and for what cannot
 * be promised
 */
export function decisionsOf(model: OpenModel, asked: AskedTrust): Decisions {
  const { path, labels, trust } = model;
  for (const name of ['sets', 'confidence'] as const) {
    const whole = partOf[name];
    if (!isAsked(asked[name]) || isAsked(asked[whole])) continue;
    throw new UsageError(say`${setting(name)} goes with ${setting(whole)}; give both, or neither`);
  }
  const first = trustSettings.find((name) => isAsked(asked[name])) ?? 'abstain';
  if (model.kind !== null && model.kind !== 'oneLabel') {
    throw new UsageError(
      say`${setting(first)} is for models that answer with one label; ${path} answers with ${answersWith(model.kind)}`,
    );
  }
  if (!trust || !labels) throw unknownTrust(path, first);
  if (model.isTrustOfOthers) {
    throw new UsageError(
      say`${setting(first)}: what trust/ of ${path} knows is of other weights or labels than the folder's; bertune calibrate learns it anew`,
    );
  }
  const { confidence = 0.95 } = asked;
  const policy = choosePolicy(trust, { ...asked, confidence });
  if ('impossible' in policy) throw impossibleError(policy, asked, confidence, trust);
  const doubt = trust.fresh && doubtOf(model.reading, trust);
  // What was counted of texts that were read otherwise, or by other weights, proves nothing of these answers.
  const promises = doubt
    ? policy.promises.map((promised) => ({ ...promised, isProven: false, confidence: null }))
    : policy.promises;
  const hasSets = policy.rule !== undefined;
  const abstains = policy.least > 0 || policy.strangest !== Number.POSITIVE_INFINITY;
  return {
    columns: [
      ...answerKinds.oneLabel.columns,
      ...(abstains
        ? ([
            { name: 'why', holds: 'text' },
            { name: 'suggestion', holds: 'text' },
          ] as const)
        : []),
      ...(hasSets ? ([{ name: 'set', holds: 'text' }] as const) : []),
    ],
    promises,
    lines: promises.map((promised) => promiseLine(promised, trust, doubt)),
    async answered(texts) {
      const { logits, outside } = await seenRows(model, texts, trust.outside);
      return logits.map((row, i) => {
        const probabilities = softmax(row);
        const { best, why, set } = decide(policy, probabilities, outside[i] as number);
        const name = labels[best] ?? String(best);
        const score = probabilities[best] as number;
        const names = set?.map((c) => labels[c] ?? String(c));
        const answer: Decision = {
          ...{ label: why ? null : name, score },
          ...(why ? { why, suggestion: name } : {}),
          ...(names ? { set: names } : {}),
        };
        const cells = [
          ...[answer.label, score],
          ...(abstains ? [why ?? null, why ? name : null] : []),
          ...(names ? [JSON.stringify(names)] : []),
        ];
        return { answer, scores: ranked(labels, probabilities), cells, counted: why ? [] : [name] };
      });
    },
  };
}

/** Why what calibration texts prove may not hold of these answers; undefined where it does. */
function doubtOf(own: Reading, { weights, reading: of }: Pick<Trust, 'weights' | 'reading'>): Message | undefined {
  const way = 'bertune calibrate read texts';
  if (own.int8 !== (of?.int8 ?? false)) return say`${way} without ${setting('int8')}`;
  if (of && own.maxLength !== of.maxLength) return say`${way} with ${setting('maxLength')} ${of.maxLength}`;
  return weights === undefined ? say`nobody kept which weights were calibrated: bertune calibrate does` : undefined;
}

/**
 * What is promised, in words.
 *
 * @param doubt why what the texts prove may not hold
 */
export function promiseLine(
  promised: Promised,
  trust: Pick<Trust, 'tuningBy' | 'freshOf' | 'fresh' | 'classes' | 'trained' | 'isPart'>,
  doubt?: Message,
): Message {
  const { of, value, isProven, confidence, texts, answered = 0, wrong = 0 } = promised;
  const { tuningBy, freshOf = [], fresh, trained, isPart } = trust;
  const where =
    isProven || freshOf.length > 0
      ? `the ${counted(texts, 'text')} of ${freshOf.join(', ') || 'calibration'}${lackingLabels(trust)}${ofNoLabel(of, fresh)}`
      : `${counted(texts, 'text')}, ${tuningBy}`;
  const shares = `${percent(answered)} of them are answered, ${percent(wrong)} of the answers wrong`;
  const unproven = isProven
    ? ''
    : doubt
      ? say`; an estimate, no promise: ${doubt}`
      : '; an estimate, no promise: bertune calibrate makes one of texts that the training never saw';
  const unless =
    trained.length > 0 && !isPart
      ? ''
      : `; not if ${isPart ? 'an earlier' : 'the'} training had them, whose texts are not known`;
  // What only chooses a threshold is no promise to take back, but its shares are those of other answers.
  const chosen = fresh && doubt ? say`${shares}; ${doubt}` : shares;
  switch (of) {
    case 'most-wrong':
      return isProven
        ? say`promised with ${percent(confidence ?? 0)} confidence: at most ${percent(value)} of the answers are wrong, on texts like ${where}; there ${shares}${unless}`
        : say`at most ${percent(value)} of the answers are wrong on ${where}: ${shares}${unproven}`;
    case 'coverage': {
      const each = promised.sets === 'per-class' ? 'of each label' : undefined;
      return isProven
        ? say`promised: sets hold the right label of at least ${percent(value)} of texts ${each ? `${each}, ` : ''}like ${where}, on average over draws of these${unless}${openSets(promised, trust)}`
        : say`sets hold the right label of about ${percent(value)} of texts ${each ? `${each}, ` : ''}like ${where}${unproven}${openSets(promised, trust)}`;
    }
    case 'costs':
      return say`cheapest on ${where}: ${Number(value.toPrecision(4))} a text on average; ${chosen}`;
    case 'answered':
      return say`the surest ${percent(value)}, by ${where}: ${chosen}`;
    case 'abstain':
      return say`left unlabeled: texts stranger than ${percent(value)} of ${where}, and answers with a probability under 0.5; ${chosen}`;
  }
}

/** ", which are of 3 of its 10 labels", where calibration texts are not of all. */
function lackingLabels({ fresh, classes }: Pick<Trust, 'fresh' | 'classes'>): string {
  const seen = new Set(fresh?.label.filter((label) => label >= 0)).size;
  return !fresh || seen === classes ? '' : ` (of ${seen} of its ${counted(classes, 'label')})`;
}

/** What is done with calibration texts of no label, where there are some. */
function ofNoLabel(of: Promised['of'], fresh: Trust['fresh']): string {
  const count = fresh?.label.filter((label) => label < 0).length ?? 0;
  if (count === 0) return '';
  if (of === 'coverage') return ' that have a label';
  return of === 'costs' ? '' : `, ${count} of them of no label (any answer is wrong)`;
}

/** Which labels stand in every set, as too few texts say when they do not belong there. */
function openSets({ value, sets, inEverySet = 0 }: Promised, { classes }: Pick<Trust, 'classes'>): string {
  if (inEverySet === 0) return '';
  const which = inEverySet === classes ? 'every label' : `${inEverySet} of the ${counted(classes, 'label')}`;
  const whose = sets === 'per-class' ? ' of a label to leave it' : ' to leave any';
  const stand = inEverySet === 1 || inEverySet === classes ? 'stands' : 'stand';
  return `; ${which} ${stand} in every set, for it takes ${counted(leastTexts(value), 'text')}${whose} out`;
}

function unknownTrust(path: string, asked: string): UsageError {
  return new UsageError(
    say`${setting(asked)}: nothing is known of how far ${path} can be trusted; bertune calibrate learns it from labeled texts that the model has not seen`,
  );
}

function impossibleError(
  { impossible, needed, texts }: Impossible,
  { mostWrong = 0 }: AskedTrust,
  confidence: number,
  { fresh }: Trust,
): UsageError {
  const asked = say`${setting('mostWrong')} ${mostWrong}`;
  if (!fresh)
    return new UsageError(say`${asked}: no threshold keeps to it on ${counted(texts, 'text')}; ask for a larger share`);
  const way =
    impossible === 'few texts'
      ? say`it takes ${needed} answers that are all right, and more where some are wrong: calibrate with more texts, or ask for a larger share or less ${setting('confidence')}`
      : say`too many of the surest answers are wrong, or too few of them are there to tell: calibrate with more texts, or ask for a larger share`;
  return new UsageError(
    say`${asked} cannot be promised with ${setting('confidence')} ${confidence} on ${counted(texts, 'text')}: ${way}`,
  );
}

/** 0.1234 as "12.3 %". */
function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}
