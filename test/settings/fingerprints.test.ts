import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as current from '../../src/index.ts';
import { temporaryFolder } from '../temporary.ts';
import { type Fingerprint, fingerprints, outputOf, putBack, wentOn } from './fingerprintCases.ts';

const file = new URL('../fixtures/settings/fingerprints.json', import.meta.url);
/** The built package of an earlier version, to record what its runs wrote down. */
const earlier = process.env.BERTUNE_RECORD_FINGERPRINTS;

test('runs that the version before began go on: settings stand in checkpoints as they stood', async () => {
  if (earlier !== undefined) {
    const recorded = await fingerprints(await import(earlier), temporaryFolder());
    writeFileSync(file, `${JSON.stringify(recorded, null, 2)}\n`);
  }
  const recorded: Record<string, Fingerprint> = JSON.parse(readFileSync(file, 'utf8'));
  const folder = temporaryFolder();
  const now = await fingerprints(current, folder);
  expect(Object.keys(now).sort()).toEqual(Object.keys(recorded).sort());
  for (const [name, fingerprint] of Object.entries(recorded)) {
    // As resuming compares them: key by key as JSON, so that absent and undefined are one.
    const found: Record<string, unknown> = { ...settingsIn(JSON.parse(JSON.stringify(now[name]))) };
    if (name.startsWith('image finetune')) {
      // What is held out is drawn in another way now, and as before where a run began so.
      found.images = fingerprint.images;
      const record = join(outputOf(folder, name), 'run.json');
      const { configuration, ...others } = JSON.parse(readFileSync(record, 'utf8'));
      expect(configuration.heldOut).toBe('by class');
      writeFileSync(record, JSON.stringify({ ...others, configuration: { ...configuration, heldOut: undefined } }));
    }
    expect(found, name).toEqual(settingsIn(fingerprint));
    putBack(folder, name, fingerprint);
  }
  await fingerprints(current, folder, { resume: true });
  expect(Object.keys(recorded).filter((name) => !wentOn(folder, name))).toEqual([]);
}, 120_000);

/** Without the digest of the start weights, which goes over them in another order now; resuming knows that of before. */
function settingsIn({ startWeights, ...settings }: Fingerprint): Fingerprint {
  expect(startWeights).toMatch(/^[0-9a-f]{16}$/);
  return settings;
}
