import { choosePolicy } from '../evaluation/trust/policy.ts';
import type { OutOfScope } from '../report/run.ts';
import { readTrust } from './trust/trust.ts';

/** Scores of a folder that are kept; of more, as many that lie evenly among them by size. */
const mostScores = 5000;

/**
 * How strange texts are to a classifier, as its folder keeps it: of texts with a label, and of those of none where some
 * were given. Undefined of a folder that knows nothing of it. Throws as `readTrust`.
 */
export async function outOfScopeOf(folder: string): Promise<OutOfScope | undefined> {
  const trust = await readTrust({ name: folder, folder });
  if (!trust) return undefined;
  const { outside, strange, tuning, tuningBy, fresh, freshOf = [] } = trust;
  const policy = choosePolicy(trust, { abstain: true, confidence: 0.95 });
  const threshold = 'impossible' in policy ? undefined : policy.strangest;
  const rows = fresh ?? tuning;
  if (rows.count === 0) return undefined;
  return {
    ...{ score: outside.kind, inScope: spread(rows.outside) },
    by: fresh ? `texts of ${freshOf.join(', ')}` : tuningBy,
    ...(strange && strange.length > 0 ? { outOfScope: spread(strange) } : {}),
    ...(threshold !== undefined && Number.isFinite(threshold) ? { threshold } : {}),
  };
}

function spread(values: Float32Array): Float32Array {
  if (values.length <= mostScores) return values;
  const sorted = Float32Array.from(values).sort();
  const step = (sorted.length - 1) / (mostScores - 1);
  return Float32Array.from({ length: mostScores }, (_, i) => sorted[Math.round(i * step)] as number);
}
