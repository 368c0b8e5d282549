import type { Collective } from '../../core/collective.ts';
import type { HostTensor } from '../../core/tensor.ts';
import type { Engine, NamedTensors } from '../engine.ts';
import {
  type ArraySource,
  type ExportedArray,
  elementsHeld,
  type StateArray,
  type StateSpec,
  type StepGraph,
  type StepProgram,
  stateArrays,
  type TrainState,
  type UpdateRule,
  type UpdateScalars,
  updated,
} from '../trainState.ts';
import { ParameterArena } from './arena.ts';
import { FlatArrays, scalar, vector } from './flatArrays.ts';
import { sumInOrder } from './orderedSum.ts';

/** Training state in arrays of this process. Any engine computes the steps; passes over whole arrays are loops. */
export class HostState implements TrainState {
  readonly arrays: readonly StateArray[];
  readonly #engine: Engine;
  readonly #rule: UpdateRule;
  readonly #flat: FlatArrays;
  readonly #parameters: Float32Array;
  readonly #gradients: Float32Array;
  /** Of a micro-batch that is not the first of its update; several where they are kept apart. */
  readonly #addends: Float32Array[] = [];
  readonly #isOrdered: boolean;
  /** Micro-batches since the last update. */
  #batches = 0;
  readonly #slots: Readonly<Record<string, Float32Array>>;
  readonly #states: Float32Array;
  /** What a micro-batch writes its new states to, before they take the place of the old ones. */
  readonly #newStates: Float32Array;
  /** Tensors over the arrays, by the name of the parameter or state. */
  readonly #views: {
    readonly values: NamedTensors;
    readonly newStates: NamedTensors;
    readonly parts: Readonly<Record<string, NamedTensors>>;
    over(flat: Float32Array): NamedTensors;
  };

  constructor(engine: Engine, spec: StateSpec) {
    this.#engine = engine;
    this.#rule = spec.rule;
    this.#isOrdered = spec.isOrdered ?? false;
    this.arrays = stateArrays(spec.parameters, spec.states, spec.rule.slots);
    const arena = new ParameterArena(spec.parameters);
    const states = new ParameterArena(spec.states.map((state) => ({ ...state, decay: false })));
    this.#flat = new FlatArrays(arena, elementsHeld(spec.rule, 2));
    this.#parameters = arena.gather(spec.values, this.#flat.array());
    this.#states = states.gather(spec.values);
    this.#newStates = new Float32Array(states.size);
    spec.values.clear();
    this.#gradients = this.#flat.array();
    this.#slots = Object.fromEntries(spec.rule.slots.map((slot) => [slot, this.#flat.array()]));
    const parts = {
      parameters: arena.views(this.#parameters),
      states: states.views(this.#states),
      ...mapped(this.#slots, (slot) => arena.views(slot)),
    };
    this.#views = {
      values: { ...parts.parameters, ...parts.states },
      newStates: states.views(this.#newStates),
      parts,
      over: (flat) => arena.views(flat),
    };
  }

  async compile({ graph, loss, gradients, states }: StepGraph): Promise<StepProgram> {
    const program = await this.#engine.compile(graph);
    const newStates = renamed(states, this.#views.newStates);
    const into = (flat: Float32Array) => ({ ...renamed(gradients, this.#views.over(flat)), ...newStates });
    return {
      accumulate: async (inputs) => {
        const number = this.#batches++;
        const addend = number === 0 ? undefined : this.#addend(this.#isOrdered ? number - 1 : 0);
        const outputs = await program.run({ ...this.#views.values, ...inputs }, into(addend ?? this.#gradients));
        this.#states.set(this.#newStates);
        if (addend && !this.#isOrdered) await this.#flat.accumulate(this.#gradients, addend);
        return Number(outputs[loss]?.data[0]);
      },
      dispose: () => program.dispose(),
    };
  }

  async reduce(collective: Collective): Promise<void> {
    if (this.#isOrdered) {
      const own = [this.#gradients, ...this.#addends].slice(0, this.#batches);
      await sumInOrder(collective, own, this.#gradients);
      return;
    }
    if (this.#batches === 0) this.#gradients.fill(0);
    await collective.sum(this.#gradients);
  }

  norm(of: 'parameters' | 'gradients'): Promise<number> {
    return this.#flat.norm(of === 'parameters' ? this.#parameters : this.#gradients);
  }

  async apply(scalars: UpdateScalars): Promise<void> {
    for (const { from, to, decays } of this.#flat.parts()) {
      const program = await this.#flat.program('update', to - from, (size) => this.#rule.graph(size));
      const slice = (flat: Float32Array) => vector(flat.subarray(from, to));
      const kept: NamedTensors = { parameter: slice(this.#parameters), ...mapped(this.#slots, slice) };
      const into = Object.fromEntries(Object.entries(kept).map(([name, tensor]) => [updated(name), tensor]));
      await program.run({ ...kept, gradient: slice(this.#gradients), ...mapped(scalars(decays), scalar) }, into);
    }
    this.#batches = 0;
  }

  async values(): Promise<NamedTensors> {
    return this.#views.values;
  }

  async *export(): AsyncGenerator<ExportedArray> {
    for (const array of this.arrays) yield { ...array, data: this.#dataOf(array) };
  }

  async import(source: ArraySource, arrays: readonly StateArray[] = this.arrays): Promise<void> {
    for (const array of arrays) await source.read(array, this.#dataOf(array));
    this.#batches = 0;
  }

  async dispose(): Promise<void> {}

  #addend(number: number): Float32Array {
    const addend = this.#addends[number] ?? this.#flat.array();
    this.#addends[number] = addend;
    return addend;
  }

  #dataOf({ part, name }: StateArray): Float32Array {
    const data = this.#views.parts[part]?.[name]?.data;
    if (!(data instanceof Float32Array)) throw new Error(`the training state has no ${name} among its ${part}`);
    return data;
  }
}

function mapped<T, U>(values: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}

/** Tensors by the names of the outputs that are written to them. */
function renamed(outputs: ReadonlyMap<string, string>, tensors: NamedTensors): Record<string, HostTensor> {
  return Object.fromEntries([...outputs].flatMap(([name, output]) => (tensors[name] ? [[output, tensors[name]]] : [])));
}
