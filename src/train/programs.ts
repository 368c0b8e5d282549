import type { Engine, Program } from '../engine/engine.ts';
import type { StepGraph } from '../engine/trainState.ts';
import { gradients } from '../graph/gradients.ts';
import type { Graph } from '../graph/graph.ts';
import type { LossGraph } from './task.ts';

/** Name of the output that holds the summed loss. */
export const lossOutput = 'loss';

/** Compiles the whole step: the summed loss, the gradient of each parameter and the new value of each state. */
export function compileStep(engine: Engine, lossGraph: LossGraph): Promise<Program> {
  return engine.compile(stepGraph(lossGraph));
}

/** The graph with its backward half and its outputs. */
export function stepGraph(lossGraph: LossGraph): Graph {
  return stepOf(lossGraph).graph;
}

/** The same, with the names of the outputs. */
export function stepOf({ graph, loss, parameters, states, recompute }: LossGraph): StepGraph {
  const names = [...parameters.keys()];
  graph.output(lossOutput, loss);
  for (const [name, value] of states ?? []) graph.output(stateOutput(name), value);
  gradients(loss, [...parameters.values()], { recompute }).forEach((gradient, i) => {
    graph.output(gradientOutput(names[i] ?? ''), gradient);
  });
  return {
    graph,
    loss: lossOutput,
    gradients: new Map(names.map((name) => [name, gradientOutput(name)])),
    states: new Map([...(states?.keys() ?? [])].map((name) => [name, stateOutput(name)])),
  };
}

/** Name of the output with a parameter's gradient. */
export function gradientOutput(parameter: string): string {
  return `gradient of ${parameter}`;
}

/** Name of the output with a state's new value. */
export function stateOutput(state: string): string {
  return `new ${state}`;
}
