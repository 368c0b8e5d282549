import type { FoundModel } from '../findModel.ts';
import { note } from '../note.ts';
import type { JobHooks } from '../types.ts';
import { readTrust, type Trust } from './trust.ts';
import { weightsDigest } from './weightsDigest.ts';

/**
 * What a folder knows of how far the model in it can be trusted; null, which is said, where that is of other weights or
 * labels. Throws as `readModel`.
 */
export async function ownTrust(found: FoundModel, hooks: JobHooks): Promise<Trust | null> {
  const trust = await readTrust(found);
  if (trust?.weights === undefined || trust.weights === (await weightsDigest(found))) return trust;
  note(
    hooks,
    `what trust/ of ${found.name} knows is of other weights or labels than the folder's, and is left out; bertune calibrate learns it anew`,
  );
  return null;
}
