import type { Engine, Program } from '../engine/engine.ts';
import { gradients } from '../graph/gradients.ts';
import type { Graph } from '../graph/graph.ts';
import type { LossGraph } from './task.ts';

/** Name of the output that holds the summed loss. */
export const lossOutput = 'loss';

/** Compiled graphs by key; the least recently used is released when there are more than `capacity`. */
export class ProgramCache {
  readonly #programs = new Map<string, Program>();
  readonly #compile: (key: string) => Promise<Program>;
  readonly #capacity: number;

  constructor(compile: (key: string) => Promise<Program>, capacity: number) {
    this.#compile = compile;
    this.#capacity = capacity;
  }

  async get(key: string): Promise<Program> {
    const program = this.#programs.get(key) ?? (await this.#compile(key));
    this.#programs.delete(key);
    this.#programs.set(key, program);
    if (this.#programs.size > this.#capacity) {
      const [oldest] = this.#programs.keys();
      if (oldest !== undefined) {
        await this.#programs.get(oldest)?.dispose();
        this.#programs.delete(oldest);
      }
    }
    return program;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await program.dispose();
    this.#programs.clear();
  }
}

/** Compiles the whole step: the summed loss, the gradient of each parameter and the new value of each state. */
export function compileStep(engine: Engine, lossGraph: LossGraph): Promise<Program> {
  return engine.compile(stepGraph(lossGraph));
}

/** The graph with its backward half and its outputs. */
export function stepGraph({ graph, loss, parameters, states, recompute }: LossGraph): Graph {
  const names = [...parameters.keys()];
  graph.output(lossOutput, loss);
  for (const [name, value] of states ?? []) graph.output(stateOutput(name), value);
  gradients(loss, [...parameters.values()], { recompute }).forEach((gradient, i) => {
    graph.output(gradientOutput(names[i] ?? ''), gradient);
  });
  return graph;
}

/** Name of the output with a parameter's gradient. */
export function gradientOutput(parameter: string): string {
  return `gradient of ${parameter}`;
}

/** Name of the output with a state's new value. */
export function stateOutput(state: string): string {
  return `new ${state}`;
}
