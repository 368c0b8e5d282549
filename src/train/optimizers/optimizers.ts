import { UsageError } from '../../core/errors.ts';
import type { UpdateRule } from '../../engine/trainState.ts';
import { adamw } from './adamw.ts';
import type { Optimizer, OptimizerStep } from './optimizer.ts';
import { sgd } from './sgd.ts';

/** Every optimizer by the name that settings and checkpoints know it by. */
export const optimizers = { adamw, sgd };

export type OptimizerName = keyof typeof optimizers;

/** An optimizer's name with those of its options that are not to be the defaults. */
export type OptimizerOptions = {
  readonly [Name in OptimizerName]: { readonly name: Name } & Partial<(typeof optimizers)[Name]['defaults']>;
}[OptimizerName];

export const defaultOptimizer: OptimizerOptions = { name: 'adamw' };

/** An optimizer with its options filled in. */
export interface ChosenOptimizer {
  readonly name: OptimizerName;
  readonly rule: UpdateRule;
  /** The scalars of the rule in one step. */
  scalars(step: OptimizerStep): Readonly<Record<string, number>>;
}

/** @throws UsageError when there is no optimizer of that name, or it has no such option */
export function chooseOptimizer({ name, ...given }: OptimizerOptions): ChosenOptimizer {
  if (!Object.hasOwn(optimizers, name)) {
    throw new UsageError(`optimizer "${name}" is none of ${Object.keys(optimizers).join(', ')}`);
  }
  const { defaults, slots, ...optimizer }: Optimizer = optimizers[name];
  const unknown = Object.keys(given).find((option) => !Object.hasOwn(defaults, option));
  if (unknown) {
    throw new UsageError(`optimizer ${name} has no option ${unknown}; it has ${Object.keys(defaults).join(', ')}`);
  }
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const options = { ...defaults, ...Object.fromEntries(set) };
  return {
    name,
    rule: { slots, graph: (size) => optimizer.graph(size, options) },
    scalars: (step) => optimizer.scalars(step, options),
  };
}
