import { existsSync, realpathSync } from 'node:fs';
import { type RunRecord, readableRecord } from './runRecord.ts';

/** Runs that are followed back at most: folders may name each other. */
const mostRuns = 20;

/**
 * Whether a model was trained from another one, through however many runs, as far as the records of its runs tell.
 *
 * @param model, base folders, or models of the Hub as they were asked for
 */
export function isTrainedFrom(model: string, base: string): boolean {
  let at = model;
  for (let run = 0; run < mostRuns; run++) {
    const record = recordOf(at);
    if (record?.base?.repo !== undefined && record.base.repo === withoutRevision(base)) return true;
    const from = startOf(record);
    if (from === undefined) return false;
    if (placeOf(from) === placeOf(base)) return true;
    at = from;
  }
  return false;
}

/** A newer or unreadable record tells nothing here. */
function recordOf(model: string): RunRecord | undefined {
  try {
    return readableRecord(model);
  } catch {
    return undefined;
  }
}

function startOf(record: RunRecord | undefined): string | undefined {
  const { model } = (record?.configuration ?? {}) as { readonly model?: unknown };
  return typeof model === 'string' ? model : undefined;
}

function placeOf(model: string): string {
  return existsSync(model) ? realpathSync(model) : withoutRevision(model);
}

function withoutRevision(name: string): string {
  return name.replace(/@[^/@]*$/, '');
}
