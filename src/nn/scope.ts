import * as ops from '../graph/functions.ts';
import type { Graph, Value } from '../graph/graph.ts';
import type { ParameterSpec } from './parameters.ts';

/** Name of the graph input that carries the step's dropout key, uint32 [2]. */
export const dropoutKeyInput = 'dropoutKey';

/**
 * What layers build in: a graph, the parameters by name, and dropout when the graph is for training. A parameter
 * becomes an input of the graph when a layer first asks for it.
 */
export class Scope {
  readonly graph: Graph;
  /** The parameters that layers have asked for. */
  readonly used = new Map<string, Value>();
  /** New values of the statistics that layers have updated. */
  readonly states = new Map<string, Value>();
  readonly training: boolean;
  readonly #specs: ReadonlyMap<string, ParameterSpec>;
  readonly #prefix: string;
  /** Ops in place of several that layers use, which have no gradients. */
  readonly fused: ReadonlySet<'attention' | 'addLayerNorm'>;
  #streams = 0;

  /** @param options.prefix what the names of the graph's inputs begin with, for another model in the same graph */
  constructor(
    graph: Graph,
    specs: Iterable<ParameterSpec>,
    options: { training: boolean; fused?: Scope['fused']; prefix?: string },
  ) {
    this.graph = graph;
    this.#prefix = options.prefix ?? '';
    this.#specs = new Map([...specs].map((spec) => [spec.name, spec]));
    this.training = options.training;
    this.fused = options.fused ?? new Set();
  }

  /** Whether the model has a parameter of this name. */
  has(name: string): boolean {
    return this.#specs.has(name);
  }

  /** @throws when the model has no such parameter. */
  parameter(name: string): Value {
    const known = this.used.get(name);
    if (known) return known;
    const value = this.graph.inputs.get(this.#prefix + name) ?? this.#input(name);
    this.used.set(name, value);
    return value;
  }

  /** A statistic as it is now, or as a layer has updated it before. @throws when the model has no such one. */
  state(name: string): Value {
    return this.states.get(name) ?? this.graph.inputs.get(this.#prefix + name) ?? this.#input(name);
  }

  /** Inverted dropout in a training graph, nothing otherwise (Srivastava et al. 2014). */
  dropout(x: Value, rate: number): Value {
    if (!this.training || rate === 0) return x;
    const key = this.graph.inputs.get(dropoutKeyInput) ?? this.graph.input(dropoutKeyInput, 'uint32', [2]);
    const mask = ops.dropoutMask(key, { rate, stream: this.#streams++, shape: x.shape });
    return ops.dropout(x, mask, { rate });
  }

  /** The records of the parameters that layers have asked for. */
  usedSpecs(): ParameterSpec[] {
    return [...this.used.keys()].flatMap((name) => this.#specs.get(name) ?? []);
  }

  #input(name: string): Value {
    const spec = this.#specs.get(name);
    if (!spec) throw new Error(`scope: no parameter ${name}`);
    return this.graph.input(this.#prefix + name, 'float32', spec.shape);
  }
}
