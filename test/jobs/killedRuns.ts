import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { checkpointsOf, metricsOf, readJson, weightsOf } from './runs.ts';

/**
 * Checks that a run ended as another one did, bit by bit and times apart: its model, metrics, result and, for every
 * checkpoint that the other run kept, parameters, what the optimizer keeps and state.
 */
export function expectSameRun(output: string, whole: string): void {
  expect(weightsOf(output).equals(weightsOf(whole)), 'the same model').toBe(true);
  expect(metricsOf(output)).toEqual(metricsOf(whole));
  expect(resultOf(output)).toEqual(resultOf(whole));
  expectSameCheckpoints(output, whole);
  expect(namesIn(output)).toEqual(namesIn(whole));
  expect(checkpointsOf(output).filter((name) => name.startsWith('.'))).toEqual([]);
}

/** Checks every checkpoint that another run kept. */
export function expectSameCheckpoints(output: string, whole: string): void {
  const steps = checkpointsOf(whole);
  expect(steps.length).toBeGreaterThan(0);
  for (const step of steps) {
    const names = readdirSync(join(whole, 'checkpoints', step)).filter((name) => name.endsWith('.f32'));
    expect(names).toEqual(expect.arrayContaining(['momentum.f32', 'parameters.f32']));
    for (const name of names) {
      const [found, expected] = [output, whole].map((run) => readFileSync(join(run, 'checkpoints', step, name)));
      expect(expected && found?.equals(expected), `the same ${step}/${name}`).toBe(true);
    }
    expect(stateOf(output, step)).toEqual(stateOf(whole, step));
  }
}

/** Without the length of the metrics, which times are part of. */
function stateOf(output: string, step: string): object {
  return { ...readJson(output, 'checkpoints', step, 'state.json'), callbacks: undefined };
}

function resultOf(output: string): object {
  const { result, status } = readJson(output, 'run.json');
  const facts = Object.entries(result as object).filter(([name]) => !/^output$|PerSecond$|Seconds$/.test(name));
  return { status, ...Object.fromEntries(facts) };
}

function namesIn(output: string): string[] {
  return readdirSync(output).sort();
}
