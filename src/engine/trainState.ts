import type { Collective } from '../core/collective.ts';
import type { Shape } from '../core/tensor.ts';
import type { Graph } from '../graph/graph.ts';
import type { Engine, NamedTensors } from './engine.ts';

/** What a training run holds from step to step, wherever it lies: on the host, on a device, on one of several processes. */
export interface TrainState {
  /** Every array that a checkpoint needs: parameters first, then states, then the rule's slots in their order. */
  readonly arrays: readonly StateArray[];
  /** Prepares a step, which reads this state and adds to its gradients. */
  compile(step: StepGraph): Promise<StepProgram>;
  /**
   * Adds up the gradients of all processes, to which the update's micro-batches were dealt out in turn. A process that
   * accumulated none since the last update counts as zero; after that every process holds the same bits.
   */
  reduce(collective: Collective): Promise<void>;
  /** Euclidean norm over all parameters, or over their gradients; NaN or infinite when an element is. */
  norm(of: 'parameters' | 'gradients'): Promise<number>;
  /** Moves the parameters by the state's rule. The gradients are used up: the next ones start anew. */
  apply(scalars: UpdateScalars): Promise<void>;
  /** Parameters and states by name, to read until the next step. On the host they are no copies. */
  values(): Promise<NamedTensors>;
  /** Hands out all arrays in the order of `arrays`; each may be read until the next one is asked for. */
  export(): AsyncIterable<ExportedArray>;
  /** Takes over the given arrays, all of them by default. @throws when the source does; the state is then spoiled */
  import(source: ArraySource, arrays?: readonly StateArray[]): Promise<void>;
  dispose(): Promise<void>;
}

/** What a state is made of. */
export interface StateSpec {
  readonly parameters: readonly TrainedParameter[];
  /** What a step updates without gradients. */
  readonly states: readonly TrainedValue[];
  readonly rule: UpdateRule;
  /** Start values by name. They are taken over and the map is left empty: they are not to be held twice. */
  readonly values: Map<string, Float32Array>;
  /**
   * Whether the gradients of each micro-batch are kept apart until they are reduced, and then added up in the order of the
   * micro-batches, as one process does: the same bits whatever the number of processes.
   */
  readonly isOrdered?: boolean;
}

export interface TrainedValue {
  readonly name: string;
  readonly shape: Shape;
}

export interface TrainedParameter extends TrainedValue {
  /** Whether weight decay applies. */
  readonly decay: boolean;
}

/** The graph of one step, forward and backward. Its inputs are the parameters and states by name, and the batch. */
export interface StepGraph {
  readonly graph: Graph;
  /** Name of the output with the loss summed over the batch, a scalar. */
  readonly loss: string;
  /** Names of the outputs with each parameter's gradient, by the parameter's name. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Names of the outputs with each state's new value, by the state's name. */
  readonly states: ReadonlyMap<string, string>;
}

/** A step that is ready to run on the state that compiled it. */
export interface StepProgram {
  /**
   * Runs the step on a batch: adds its gradients to those since the last update, and puts new values of the states in
   * the place of the old ones.
   *
   * @param inputs tensors of the batch by name
   * @returns the loss summed over the batch
   */
  accumulate(inputs: NamedTensors): Promise<number>;
  dispose(): Promise<void>;
}

/** How an optimizer moves parameters: arithmetic that is the same for every element. */
export interface UpdateRule {
  /** What the optimizer keeps of every parameter, by name; zeros at the start. */
  readonly slots: readonly string[];
  /**
   * The update of so many elements. Inputs: vectors `parameter`, `gradient` and each slot by its name, and scalars;
   * outputs: `updated(name)` of the parameter and of each slot.
   */
  graph(size: number): Graph;
}

/** Name of the output of an update rule with the new value of `parameter` or of a slot. */
export function updated(name: string): string {
  return `new ${name}`;
}

/** The scalar inputs of an update rule in one step, for parameters with weight decay and for those without. */
export type UpdateScalars = (decays: boolean) => Readonly<Record<string, number>>;

/** One array of a state. */
export interface StateArray {
  /** `parameters`, `states`, or the slot of the optimizer that it belongs to. */
  readonly part: string;
  /** The parameter or state that it is of. */
  readonly name: string;
  readonly shape: Shape;
}

export interface ExportedArray extends StateArray {
  readonly data: Float32Array;
}

/** Where a state's arrays are read from. */
export interface ArraySource {
  /** Writes the array's elements into `into`. @throws when it has no such array, or one that is damaged */
  read(array: StateArray, into: Float32Array): Promise<void>;
}

/** An engine whose tensors do not lie on the host: it keeps the state of a run itself. */
export interface StateEngine extends Engine {
  trainState(spec: StateSpec): TrainState;
}

/** The arrays of a state in the order of `TrainState.arrays`. */
export function stateArrays(
  parameters: readonly TrainedValue[],
  states: readonly TrainedValue[],
  slots: readonly string[],
): StateArray[] {
  const part = (name: string, values: readonly TrainedValue[]) =>
    values.map((value) => ({ part: name, name: value.name, shape: value.shape }));
  return [
    ...part('parameters', parameters),
    ...part('states', states),
    ...slots.flatMap((slot) => part(slot, parameters)),
  ];
}

/** Whether an array holds what the model computes with, rather than what the optimizer keeps beside it. */
export function isValue({ part }: StateArray): boolean {
  return part === 'parameters' || part === 'states';
}

/**
 * Elements that a state holds for each element of a parameter: value, slots, and gradients.
 *
 * @param gradients arrays of gradients: their sum, a micro-batch's beside it, or those that are kept apart
 */
export function elementsHeld({ slots }: UpdateRule, gradients: number): number {
  return 1 + slots.length + gradients;
}
