import type { Engine } from './engine.ts';
import { HostState } from './host/hostState.ts';
import type { StateEngine, StateSpec, TrainState } from './trainState.ts';

/** The state of a run whose steps an engine computes: the engine's own where it has one, else one on the host. */
export function createTrainState(engine: Engine | StateEngine, spec: StateSpec): TrainState {
  return 'trainState' in engine ? engine.trainState(spec) : new HostState(engine, spec);
}
