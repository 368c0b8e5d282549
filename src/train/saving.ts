import { BertuneError, UsageError } from '../core/errors.ts';
import { type Message, say, setting } from '../core/message.ts';
import { isValue, type TrainState } from '../engine/trainState.ts';
import type { TrainerCallback } from './callbacks.ts';
import type { Checkpoints, ForeignCheckpoint } from './checkpoints/checkpoints.ts';
import { type RunState, refuseOtherSettings } from './runState.ts';

interface SavingOptions {
  readonly checkpoints: Checkpoints;
  readonly state: TrainState;
  readonly callbacks: readonly TrainerCallback[];
  /** Checkpoints kept beside the best one. */
  readonly keep: number;
  /** Whether this process writes and removes checkpoints. */
  readonly writes: boolean;
}

/** When a run's checkpoints come and go. */
export class Saving {
  readonly #options: SavingOptions;
  /** What the newest checkpoint holds. */
  #saved: RunState | undefined;
  /** Whether older checkpoints wait for a finite loss to be removed. */
  #unpruned = false;

  constructor(options: SavingOptions) {
    this.#options = options;
  }

  /**
   * Brings the newest checkpoint's arrays back.
   *
   * @param inFormat1 the settings that checkpoints of format 1 recorded otherwise
   * @returns where the run stood, if there is a checkpoint
   * @throws UsageError when there are checkpoints of another run, or such as only a newer version reads
   */
  async restore(
    fingerprint: RunState['fingerprint'],
    inFormat1: RunState['fingerprint'],
  ): Promise<RunState | undefined> {
    const { checkpoints, state } = this.#options;
    const foreign = checkpoints.foreign();
    const unread = foreign.find(({ kind }) => kind !== 'different');
    if (unread) {
      refuse(
        unread,
        unread.kind === 'unknown' ? 'update bertune' : say`make it readable or start anew with ${setting('overwrite')}`,
      );
    }
    // Before the arrays are compared: those of a run with other settings may well be others.
    const recorded = checkpoints.newestState();
    if (recorded) {
      const current = recorded.format > 1 ? fingerprint : { ...fingerprint, ...inFormat1 };
      refuseOtherSettings(recorded.state.fingerprint, current, recorded.path);
    }
    const [other] = foreign;
    if (other) refuse(other, say`start anew with ${setting('overwrite')}`);
    const newest = checkpoints.newest();
    if (!newest) return undefined;
    await state.import(newest.arrays);
    // A damaged checkpoint may have taken the best parameters along.
    const best = newest.state.best && checkpoints.at(newest.state.best.step, isValue) ? newest.state.best : null;
    this.#saved = { ...newest.state, best, fingerprint };
    this.#unpruned = true;
    return this.#saved;
  }

  /** @throws UsageError when a run that starts anew would write among checkpoints that are not to be removed */
  refuseForeign(): void {
    const { checkpoints, writes } = this.#options;
    // Another process may just be removing what the run replaces.
    if (!writes) return;
    const [foreign] = checkpoints.foreign();
    if (foreign) refuse(foreign, 'choose another folder', 'start beside');
  }

  /** @returns the checkpoint's path */
  async save(run: RunState): Promise<string> {
    const { checkpoints, state, callbacks, writes } = this.#options;
    if (this.#saved === run || !writes) return checkpoints.pathOf(run.step);
    const said = callbacks.flatMap((callback) => (callback.state ? [[callback.name, callback.state()]] : []));
    const path = await checkpoints.write({ ...run, callbacks: Object.fromEntries(said) }, state.export());
    this.#saved = run;
    this.#unpruned = true;
    for (const callback of callbacks) callback.onCheckpoint?.(run.step, path);
    return path;
  }

  /** Removes older checkpoints, once a finite loss has shown that the newest is good. */
  prune({ best }: RunState): void {
    const { checkpoints, keep, writes } = this.#options;
    if (!this.#unpruned || !writes) return;
    checkpoints.prune(keep, best ? [best.step] : []);
    this.#unpruned = false;
  }

  /** Removes the checkpoint of a step whose parameters turned out bad. @returns the newest that is left */
  drop(step: number): string | undefined {
    const { checkpoints, writes } = this.#options;
    if (writes) checkpoints.remove(step);
    return checkpoints.newest()?.path;
  }

  /** Brings the parameters and states of an earlier step back. @throws BertuneError when its checkpoint is damaged */
  async bringBack(step: number): Promise<void> {
    const { checkpoints, state } = this.#options;
    const found = checkpoints.at(step, isValue);
    if (!found) {
      throw new BertuneError(
        say`the best checkpoint, ${checkpoints.pathOf(step)}, is damaged; remove it and run with ${setting('resume')}`,
      );
    }
    await state.import(found.arrays, state.arrays.filter(isValue));
  }
}

function refuse({ path, reason }: ForeignCheckpoint, wayOut: string | Message, what = 'resume'): never {
  throw new UsageError(say`cannot ${what} ${path}: ${reason}; ${wayOut}`);
}
