import { performance } from 'node:perf_hooks';

/** How fast a process trains, in the units that the task counts; its first step is left out: it compiles the graph. */
export class Pace {
  #seconds = 0;
  #units = 0;
  #steps = 0;

  /** @param started when the step began, as `performance.now()` told */
  add(started: number, units: number): void {
    if (this.#steps++ === 0) return;
    this.#seconds += (performance.now() - started) / 1000;
    this.#units += units;
  }

  /** 0 before the second step, as are the seconds left. */
  get unitsPerSecond(): number {
    return this.#seconds > 0 ? this.#units / this.#seconds : 0;
  }

  secondsFor(steps: number): number {
    return this.#steps > 1 ? (steps * this.#seconds) / (this.#steps - 1) : 0;
  }
}
