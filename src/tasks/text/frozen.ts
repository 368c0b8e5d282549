import type { HostTensor } from '../../core/tensor.ts';
import type { ParameterSpec, ParameterValues } from '../../nn/parameters.ts';

/** The parameters of a task, told apart by whether they are trained. */
export interface FrozenSplit {
  readonly trained: readonly ParameterSpec[];
  /** The others as inputs that stay what they are. */
  readonly frozen: Readonly<Record<string, HostTensor<'float32'>>>;
}

/** Takes the parameters named in `names` out of the start values: they are no longer the trainer's. */
export function takeFrozen(
  specs: readonly ParameterSpec[],
  startValues: ParameterValues,
  names: ReadonlySet<string>,
): FrozenSplit {
  const frozen: Record<string, HostTensor<'float32'>> = {};
  for (const { name, shape } of specs) {
    const data = startValues.get(name);
    if (!data || !names.has(name)) continue;
    frozen[name] = { dtype: 'float32', shape, data };
    startValues.delete(name);
  }
  return { trained: specs.filter(({ name }) => !(name in frozen)), frozen };
}

/** The values of frozen parameters, to be saved beside the trained ones. */
export function frozenValues(frozen: FrozenSplit['frozen']): ParameterValues {
  return new Map(Object.entries(frozen).map(([name, { data }]) => [name, data]));
}
