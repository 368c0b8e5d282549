import type { HostTensor } from '../../core/tensor.ts';
import type { ParameterSpec, ParameterValues } from '../../nn/parameters.ts';
import { startPrefix } from './graph.ts';

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

/** A copy of the values that training starts from, as the inputs of a graph that compares with them. */
export function copyOfStart(
  inputs: Iterable<string>,
  specs: readonly ParameterSpec[],
  { frozen }: FrozenSplit,
  startValues: ParameterValues,
): FrozenSplit['frozen'] {
  const asked = new Set(inputs);
  const copies: Record<string, HostTensor<'float32'>> = {};
  for (const { name, shape } of specs) {
    if (!asked.has(startPrefix + name)) continue;
    const data = frozen[name]?.data ?? Float32Array.from(startValues.get(name) ?? []);
    copies[startPrefix + name] = { dtype: 'float32', shape, data };
  }
  return copies;
}

/** The values of frozen parameters, to be saved beside the trained ones. */
export function frozenValues(frozen: FrozenSplit['frozen']): ParameterValues {
  return new Map(Object.entries(frozen).map(([name, { data }]) => [name, data]));
}
