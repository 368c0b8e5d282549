import { UsageError } from '../../core/errors.ts';
import type { Reading } from '../../models/text/heads/head.ts';
import { type HeadName, heads } from '../../models/text/heads/table.ts';
import type { TextModel } from '../../models/text/model.ts';
import { poolingModes } from '../../models/text/sentence/pooling.ts';
import { readingOf } from './graph.ts';
import type { Asked, Objective, ReadText, Term } from './objective.ts';

/**
 * An objective of the caller's own that is checked: once itself, and whatever it reads of each example, since numbers
 * that do not belong there would be trained on without a word.
 *
 * @param trained heads that are trained
 * @throws UsageError naming objective, term and example
 */
export function checkedObjective<Example>(
  objective: Objective<Example>,
  model: TextModel,
  trained: readonly HeadName[],
): Objective<Example> {
  checkObjective(objective, trained);
  const { name, terms } = objective;
  return {
    ...objective,
    read(example, number, epoch) {
      const read = objective.read(example, number, epoch);
      const problem = problemOf(read, terms, model);
      if (problem !== undefined) throw new UsageError(`objective ${name}, example ${number}: ${problem}`);
      return read;
    },
  };
}

function checkObjective(objective: Objective<never>, trained: readonly HeadName[]): void {
  const refuse = (problem: string): never => {
    throw new UsageError(`objective: ${problem}`);
  };
  if (typeof objective !== 'object' || objective === null)
    refuse('it must be an object: { name, metric, terms, read }');
  const { name, metric, terms, read, alsoMeasured: _, ...others } = objective;
  if (typeof name !== 'string' || name === '') refuse('name must be a text: checkpoints go by it');
  if (Object.keys(others).length > 0) refuse(`no ${Object.keys(others)[0]}; it has name, metric, terms and read`);
  if (typeof read !== 'function') refuse('read must be a function');
  if (metric?.name !== 'loss' || !['lower', 'higher'].includes(metric.goal)) {
    refuse("metric must be { name: 'loss', goal: 'lower' }: the loss is what is measured");
  }
  if (typeof terms !== 'object' || terms === null || Object.keys(terms).length === 0) refuse('terms must have a term');
  for (const [key, term] of Object.entries(terms)) {
    const { head, target, loss, reads } = term;
    if (!Object.hasOwn(heads, head))
      refuse(`term ${key}: head must be ${Object.keys(heads).join(' or ')}, got ${head}`);
    if (!trained.includes(head)) refuse(`term ${key}: its head ${head} is not among heads (${trained.join(', ')})`);
    if (reads !== undefined && !isReading(reads)) {
      refuse(`term ${key}: reads must be first, chosen, mean or a pooling, got ${JSON.stringify(reads)}`);
    }
    if (!['int32', 'float32'].includes(target?.dtype)) refuse(`term ${key}: target.dtype must be int32 or float32`);
    if (typeof loss !== 'function') refuse(`term ${key}: loss must be a function`);
  }
}

function isReading(reads: Reading): boolean {
  if (typeof reads === 'string') return ['first', 'chosen', 'mean'].includes(reads);
  const { modes, includePrompt } = reads ?? {};
  const areModes = Array.isArray(modes) && modes.length > 0 && modes.every((mode) => poolingModes.includes(mode));
  return areModes && typeof includePrompt === 'boolean';
}

function problemOf(read: ReadText, terms: Readonly<Record<string, Term>>, model: TextModel): string | undefined {
  if (typeof read?.ids?.length !== 'number' || typeof read.asked !== 'object' || read.asked === null) {
    return 'read must give { ids, asked } at once, no promise';
  }
  const { ids, asked } = read;
  if (!every(ids, (id) => Number.isInteger(id) && id >= 0 && id < model.config.vocabularySize)) {
    return `ids must be token ids from 0 to ${model.config.vocabularySize - 1}`;
  }
  const other = Object.keys(asked).find((name) => !Object.hasOwn(terms, name));
  if (other !== undefined) return `asked names ${other}, which is no term (${Object.keys(terms).join(', ')})`;
  for (const [name, term] of Object.entries(terms)) {
    const ask = asked[name];
    const problem = ask && problemOfTerm(ask, term, ids.length, model);
    if (problem !== undefined) return `term ${name}: ${problem}`;
  }
  return undefined;
}

function problemOfTerm(
  { places, targets, weight }: Asked,
  term: Term,
  length: number,
  model: TextModel,
): string | undefined {
  const isChosen = readingOf(model, term) === 'chosen';
  if (isChosen && !Array.isArray(places)) return 'places must be a list, since its tokens are chosen';
  if (!isChosen && places !== undefined) return 'no places, since its tokens are not chosen';
  if (places && !places.every((place) => Number.isInteger(place) && place >= 0 && place < length)) {
    return `places must be from 0 to ${length - 1}, got ${places.join(', ')}`;
  }
  const count = (places?.length ?? 1) * (term.target.size?.(model.config) ?? 1);
  if (targets?.length !== count) return `targets must have ${count} numbers, got ${targets?.length ?? typeof targets}`;
  const isWhole = term.target.dtype === 'int32';
  if (!every(targets, (target) => (isWhole ? Number.isInteger(target) : Number.isFinite(target)))) {
    return `targets must be ${isWhole ? 'whole' : 'finite'} numbers, got ${Array.from(targets).slice(0, 8).join(', ')}`;
  }
  if (weight !== undefined && !(Number.isFinite(weight) && weight >= 0))
    return `weight must be at least 0, got ${weight}`;
  return undefined;
}

function every(values: ArrayLike<number>, accepts: (value: number) => boolean): boolean {
  for (let i = 0; i < values.length; i++) if (!accepts(values[i] as number)) return false;
  return true;
}
