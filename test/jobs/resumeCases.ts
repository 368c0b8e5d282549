import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import type { JobHooks } from '../../src/jobs/types.ts';
import { temporaryFolder } from '../temporary.ts';
import { expectSameRun } from './killedRuns.ts';
import { checkpointsOf, listening, metricsOf, readJson, weightsOf } from './runs.ts';

/** A training job with its data, called with the output and what is to be different. */
export type Run = (output: string, hooks: JobHooks, more?: object) => Promise<{ readonly steps: number }>;

/** Settings of a run of six steps that measures, saves and starts new epochs at different ones. */
export const sixSteps = {
  maxSteps: 6,
  evalSteps: 2,
  saveSteps: 3,
  patience: 9,
  keepCheckpoints: 99,
  threads: 1,
  seed: 5,
};

/**
 * Tests that a job which runs `sixSteps` ends with the same bits however it was stopped.
 *
 * @param otherData what makes it learn from other data, and what the refusal then names
 */
export function describeResuming(name: string, run: Run, [otherData, named]: readonly [() => object, RegExp]): void {
  describe(`${name}, stopped and resumed,`, () => {
    const at = (output: string) => join(folder, output);
    let folder = '';
    beforeAll(async () => {
      folder = temporaryFolder();
      expect(await run(at('whole'), listening())).toMatchObject({ steps: 6 });
      expect(metricsOf(at('whole')).filter((row) => 'loss' in row)).toHaveLength(6);
    });

    test('ends as if never stopped', async () => {
      const stopped = at('stopped');
      for (const stop of [1, 4, 5]) {
        const hooks = listening(stop);
        await expect(run(stopped, hooks, { resume: true })).rejects.toThrow(InterruptedError);
        expect(checkpointsOf(stopped).at(-1)).toBe(`step-0000000${stop}`);
      }
      const hooks = listening();
      await run(stopped, hooks, { resume: true });
      expect(hooks.notes()).toContain('resumed after step 5');
      expectSameRun(stopped, at('whole'));
    });

    test('goes on from an older checkpoint, or ends anew what was not written to the end', async () => {
      const cut = at('cut');
      await expect(run(cut, listening(5))).rejects.toThrow(InterruptedError);
      truncateSync(join(cut, 'checkpoints', 'step-00000005', 'momentum.f32'), 40);
      const hooks = listening();
      await run(cut, hooks, { resume: true });
      // Step 4 is kept as well when it measured best.
      expect(hooks.notes().join()).toMatch(/resumed after step [34]/);
      expectSameRun(cut, at('whole'));

      writeFileSync(join(cut, 'run.json'), JSON.stringify({ ...readJson(cut, 'run.json'), status: 'running' }));
      for (const file of ['model.safetensors', 'config.json']) rmSync(join(cut, file));
      const again = listening();
      await run(cut, again, { resume: true });
      expect(again.notes()).toContain('resumed after step 6');
      expectSameRun(cut, at('whole'));
    });

    test('refuses other settings and other data, and leaves the run as it was', async () => {
      const output = at('changed');
      await expect(run(output, listening(2))).rejects.toThrow(InterruptedError);
      const saved = checkpointsOf(output);
      await expect(run(output, listening(), { resume: true, learningRate: 0.123 })).rejects.toThrow(
        /settings? changed: .*learningRate \([\d.e-]+, now 0\.123\).*overwrite to start anew/,
      );
      await expect(run(output, listening(), { resume: true, ...otherData() })).rejects.toThrow(named);
      await expect(run(output, listening(), {})).rejects.toThrow('holds another run; continue it with resume');
      expect(checkpointsOf(output)).toEqual(saved);
      expect(
        metricsOf(output)
          .filter((row) => 'step' in row)
          .at(-1),
      ).toMatchObject({ step: 2 });
    });

    test('with another seed ends differently', async () => {
      await run(at('seed'), listening(), { seed: 6 });
      expect(weightsOf(at('seed')).equals(weightsOf(at('whole')))).toBe(false);
    });
  });
}
