/** An entity of one text: its place, in words or characters, [start, end), and its type. */
export interface Entity {
  readonly start: number;
  readonly end: number;
  readonly label: string;
}

/** How predicted entities agree with true ones; shares without a denominator are 0, as in seqeval. */
export interface EntityScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** True entities. */
  readonly support: number;
}

export interface TypeScores extends EntityScores {
  readonly label: string;
  readonly predicted: number;
  readonly correct: number;
}

export interface EntityMetrics {
  /** Of all entities together. */
  readonly micro: EntityScores;
  /** The mean over types, each counting alike. */
  readonly macro: EntityScores;
  /** The mean over types by their true entities. */
  readonly weighted: EntityScores;
  /** Of each type that occurs, by name. */
  readonly types: readonly TypeScores[];
}

interface Counts {
  actual: number;
  predicted: number;
  correct: number;
}

/**
 * Counts predicted entities of texts against true ones: one is right whose place and type are (Tjong Kim Sang and De
 * Meulder 2003). The lists are parallel.
 */
export function entityMetrics(
  actual: readonly (readonly Entity[])[],
  predicted: readonly (readonly Entity[])[],
): EntityMetrics {
  const counts = new Map<string, Counts>();
  const of = (label: string): Counts => {
    const known = counts.get(label);
    if (known) return known;
    const added = { actual: 0, predicted: 0, correct: 0 };
    counts.set(label, added);
    return added;
  };
  for (const [text, entities] of actual.entries()) {
    const right = new Map(entities.map((entity) => [keyOf(entity), entity]));
    for (const { label } of right.values()) of(label).actual++;
    for (const [key, { label }] of new Map((predicted[text] ?? []).map((entity) => [keyOf(entity), entity]))) {
      of(label).predicted++;
      if (right.has(key)) of(label).correct++;
    }
  }
  const names = [...counts.keys()].sort();
  const types = names.map((label) => ({ label, ...scoresOf(of(label)), ...pick(of(label)) }));
  const sum = (key: keyof Counts) => names.reduce((total, label) => total + of(label)[key], 0);
  const all = { actual: sum('actual'), predicted: sum('predicted'), correct: sum('correct') };
  return {
    micro: scoresOf(all),
    macro: meanOf(
      types,
      types.map(() => 1),
      all.actual,
    ),
    weighted: meanOf(
      types,
      types.map(({ support }) => support),
      all.actual,
    ),
    types,
  };
}

function keyOf({ start, end, label }: Entity): string {
  return `${start} ${end} ${label}`;
}

function pick({ predicted, correct }: Counts) {
  return { predicted, correct };
}

function scoresOf({ actual, predicted, correct }: Counts): EntityScores {
  const share = (of: number) => (of === 0 ? 0 : correct / of);
  const [precision, recall] = [share(predicted), share(actual)];
  const f1 = correct === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { precision, recall, f1, support: actual };
}

function meanOf(types: readonly EntityScores[], weights: readonly number[], support: number): EntityScores {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = (key: 'precision' | 'recall' | 'f1') =>
    total === 0 ? 0 : types.reduce((sum, scores, i) => sum + scores[key] * (weights[i] as number), 0) / total;
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1'), support };
}
