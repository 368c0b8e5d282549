import { binomialTail } from './binomial.ts';
import { chooseRegularization, fitSets, type SetKind, type SetRule, setOf } from './conformal.ts';
import { controlRisk, countAt, leastAnswers } from './riskControl.ts';
import { conformalRows, rightOnes, type TrustRows } from './rows.ts';

/** Texts that are known of a classifier. */
export interface TrustFacts {
  readonly classes: number;
  /** Texts that thresholds may be chosen on: held out of a training, but not of all that was chosen. */
  readonly tuning: TrustRows;
  /** Texts that have neither trained nor chosen anything: what a promise stands on. */
  readonly fresh?: TrustRows;
}

/** What is asked of answers. */
export interface Asked {
  /** Share of the answers that may be wrong. */
  readonly mostWrong?: number;
  /** How sure a promise about answers is to hold. */
  readonly confidence: number;
  /** Share of the texts that are to be answered. */
  readonly answered?: number;
  /** What answers cost. */
  readonly costs?: Costs;
  /** Share of the texts whose set is to hold the right label. */
  readonly coverage?: number;
  readonly sets?: SetKind;
  /** Whether texts are left unanswered. */
  readonly abstain?: boolean;
}

export interface Costs {
  /** Of an answer to a text of a label, both by number. */
  of(label: number, answer: number): number;
  /** Of leaving a text of a label to a person. */
  left(label: number): number;
}

/** Which texts are answered, and with which sets. */
export interface Policy {
  /** Texts that score higher are strange; infinite: none. */
  readonly strangest: number;
  /** Answers with a lower probability are left out. */
  readonly least: number;
  readonly rule?: SetRule;
  readonly promises: readonly Promised[];
}

/** What is known of how the answers will do. */
export interface Promised {
  readonly of: 'most-wrong' | 'answered' | 'costs' | 'abstain' | 'coverage';
  /** What was asked for; of `costs` the mean cost of a text. */
  readonly value: number;
  /** Whether it is proven for texts like those that it stands on; else estimated. */
  readonly isProven: boolean;
  /** How sure it is; of sets null: they hold on average over draws of the texts. */
  readonly confidence: number | null;
  /** Texts that it stands on. */
  readonly texts: number;
  /** Share of them that are answered, and share of the answers that are wrong. */
  readonly answered?: number;
  readonly wrong?: number;
  /** How sets are made. */
  readonly sets?: SetKind;
  /** Labels that stand in every set, because too few texts are known; 0 where there are enough. */
  readonly inEverySet?: number;
}

/** What was asked for cannot be had. */
export interface Impossible {
  readonly impossible: 'few texts' | 'too many wrong';
  /** Texts that would do, were all answers right. */
  readonly needed: number;
  readonly texts: number;
}

/** Share of texts of known labels that are not taken for strange. */
const usualKept = 0.95;
/** Least probability of an answer where nothing else is asked for: it is more likely right than not. */
const usualLeast = 0.5;
const usualSets: SetKind = 'split';

/** Chooses which texts are answered. */
export function choosePolicy(facts: TrustFacts, asked: Asked): Policy | Impossible {
  const { coverage } = asked;
  const answering = answeringOf(facts, asked);
  if ('impossible' in answering) return answering;
  if (coverage === undefined) return answering;
  const { rule, promised } = setsOf(facts, coverage, asked.sets ?? usualSets);
  return { ...answering, rule, promises: [...answering.promises, promised] };
}

/** What becomes of a text. */
export interface Decided {
  /** Number of the likeliest label. */
  readonly best: number;
  /** Why it is not answered; absent where it is. */
  readonly why?: 'strange' | 'unsure';
  /** Numbers of the labels of its set. */
  readonly set?: number[];
}

/** @param probabilities of a text [classes] @param outside how strange it is */
export function decide({ strangest, least, rule }: Policy, probabilities: ArrayLike<number>, outside: number): Decided {
  let best = 0;
  for (let c = 1; c < probabilities.length; c++) {
    if ((probabilities[c] as number) > (probabilities[best] as number)) best = c;
  }
  const set = rule ? { set: setOf(probabilities, rule) } : {};
  if (Math.fround(outside) > strangest) return { best, why: 'strange', ...set };
  if (Math.fround(probabilities[best] as number) < least) return { best, why: 'unsure', ...set };
  return { best, ...set };
}

function answeringOf(facts: TrustFacts, asked: Asked): Policy | Impossible {
  const { mostWrong, answered, costs, abstain = false } = asked;
  if (mostWrong === undefined && answered === undefined && !costs && !abstain) {
    return { strangest: Number.POSITIVE_INFINITY, least: 0, promises: [] };
  }
  const { tuning, fresh = tuning } = facts;
  const isFresh = facts.fresh !== undefined;
  const strangest = upToShare(tuning.outside, Math.max(usualKept, answered ?? 0));
  const own = { ...confidences(fresh, strangest), right: rightOnes(fresh) };
  const said = (least: number) => {
    const { answered, wrong } = countAt(own, least);
    return {
      texts: fresh.count,
      answered: answered / Math.max(1, fresh.count),
      wrong: wrong / Math.max(1, answered),
    };
  };
  const made = (least: number, promised: Pick<Promised, 'of' | 'value' | 'isProven' | 'confidence'>): Policy => ({
    ...{ strangest, least, promises: [{ ...promised, ...said(least) }] },
  });
  const estimated = { isProven: false, confidence: null } as const;
  if (mostWrong !== undefined) {
    const found = isFresh ? proven(facts, asked, mostWrong, strangest) : likely(own, mostWrong);
    if (typeof found !== 'number') return found;
    return made(found, {
      ...{ of: 'most-wrong', value: mostWrong, isProven: isFresh },
      confidence: isFresh ? asked.confidence : null,
    });
  }
  if (costs) {
    const { least, cost } = cheapest(fresh, own.confidence, costs);
    return made(least, { of: 'costs', value: cost, ...estimated });
  }
  if (answered !== undefined) {
    const falling = Float64Array.from(own.confidence).sort().reverse();
    const last = Math.min(falling.length, Math.max(1, Math.round(answered * falling.length)));
    return made(Math.max(0, falling[last - 1] ?? 0), { of: 'answered', value: answered, ...estimated });
  }
  return made(usualLeast, { of: 'abstain', value: usualKept, ...estimated });
}

/** Confidences of answers, −1 of texts that are too strange to be answered. */
function confidences({ confidence, outside }: TrustRows, strangest: number): { readonly confidence: Float32Array } {
  return { confidence: confidence.map((value, i) => ((outside[i] as number) > strangest ? -1 : value)) };
}

/** The least threshold that fresh texts prove; the order of the tests is chosen on the others. */
function proven(
  { tuning, fresh = tuning }: TrustFacts,
  { confidence }: Asked,
  mostWrong: number,
  strangest: number,
): number | Impossible {
  const needed = leastAnswers(mostWrong, confidence);
  const rising = Float64Array.from(confidences(tuning, strangest).confidence)
    .filter((value) => value >= 0)
    .sort();
  const grid =
    rising.length > 0 ? steps.map((share) => rising[Math.floor(share * (rising.length - 1))] as number) : steps;
  const thresholds = [0, ...new Set(grid)].sort((a, b) => a - b);
  // Tests begin where the other texts say that a promise is most likely to be kept.
  const others = { ...confidences(tuning, strangest), right: rightOnes(tuning) };
  const scale = fresh.count / Math.max(1, tuning.count);
  const chances = thresholds.map((threshold) => {
    const { answered, wrong } = countAt(others, threshold);
    return answered === 0 ? 1 : binomialTail(Math.round(scale * wrong), Math.round(scale * answered), mostWrong);
  });
  const first = chances.indexOf(Math.min(...chances));
  const rows = { ...confidences(fresh, strangest), right: rightOnes(fresh) };
  const found = controlRisk(rows, { mostWrong, confidence, thresholds, first });
  if (found) return found.threshold;
  return { impossible: fresh.count < needed ? 'few texts' : 'too many wrong', needed, texts: fresh.count };
}

/** Shares of the texts at which thresholds are tested. */
const steps = Array.from({ length: 50 }, (_, i) => i / 50);

/** The least threshold at which no more than the share of the answers is wrong. */
function likely(rows: { confidence: Float32Array; right: Uint8Array }, mostWrong: number): number | Impossible {
  const order = Array.from(rows.confidence.keys())
    .filter((i) => (rows.confidence[i] as number) >= 0)
    .sort((a, b) => (rows.confidence[b] as number) - (rows.confidence[a] as number));
  let [wrong, found] = [0, -1];
  for (const [place, i] of order.entries()) {
    if (rows.right[i] !== 1) wrong++;
    const isLastOfEqual = rows.confidence[i] !== rows.confidence[order[place + 1] ?? -1];
    if (isLastOfEqual && wrong <= mostWrong * (place + 1)) found = place;
  }
  if (found < 0) return { impossible: 'too many wrong', needed: 0, texts: rows.right.length };
  return rows.confidence[order[found] as number] as number;
}

/** The threshold with the least mean cost of the texts that have a label. */
function cheapest(
  { label, predicted }: TrustRows,
  confidence: Float32Array,
  { of, left }: Costs,
): { least: number; cost: number } {
  const order = Array.from(confidence.keys())
    .filter((i) => (label[i] as number) >= 0)
    .sort((a, b) => (confidence[b] as number) - (confidence[a] as number));
  let cost = order.reduce((sum, i) => sum + left(label[i] as number), 0);
  let best = { least: 2, cost };
  for (const [place, i] of order.entries()) {
    const own = confidence[i] as number;
    if (own < 0) break;
    cost += of(label[i] as number, predicted[i] as number) - left(label[i] as number);
    if (own !== confidence[order[place + 1] ?? -1] && cost < best.cost) best = { least: own, cost };
  }
  return { least: best.least, cost: best.cost / Math.max(1, order.length) };
}

function setsOf(
  { tuning, fresh, classes }: TrustFacts,
  coverage: number,
  kind: SetKind,
): { readonly rule: SetRule; readonly promised: Promised } {
  const regularization = chooseRegularization(conformalRows(tuning), coverage);
  const rows = conformalRows(fresh ?? tuning);
  const rule = fitSets(rows, classes, kind, coverage, regularization);
  const open = rule.thresholds.filter((threshold) => threshold === Number.POSITIVE_INFINITY).length;
  const promised: Promised = {
    of: 'coverage',
    ...{ value: coverage, isProven: fresh !== undefined, confidence: null, texts: rows.length, sets: kind },
    inEverySet: kind === 'per-class' ? open : open && classes,
  };
  return { rule, promised };
}

/** The least of the values that a share of them are at most. */
function upToShare(values: Float32Array, share: number): number {
  if (values.length === 0) return Number.POSITIVE_INFINITY;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length, Math.ceil(share * sorted.length - 1e-9)) - 1] as number;
}
