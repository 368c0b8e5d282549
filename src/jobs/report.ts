import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, UsageError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { say, setting } from '../core/message.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { note } from './note.ts';
import { readReportedRun } from './reportedRun.ts';
import type { JobHooks } from './types.ts';
import { packageVersions } from './versions.ts';

/** What a report is called in the folder of its run. */
export const reportFile = 'report.html';

export interface ReportOptions extends OptionsOf<'report'> {}

export interface ReportResult {
  readonly path: string;
  readonly runs: readonly string[];
  /** What could not be read of them. */
  readonly lacks: readonly string[];
}

/**
 * Writes a page that shows runs, one or several side by side.
 *
 * @throws UsageError for a folder without a run, or an output that is something else than a report
 */
export async function report(options: ReportOptions, hooks: JobHooks = {}): Promise<ReportResult> {
  const { runs, output, reportTexts: keepsTexts, audit } = resolve('report', options);
  const [only] = runs;
  if (only === undefined) throw new UsageError(say`report needs ${setting('runs')}: folders of runs`);
  if (audit !== undefined && runs.length > 1) {
    throw new UsageError(
      say`${setting('audit')} is of one run's texts; of ${runs.length} runs, put an audit.csv into the folder of each`,
    );
  }
  const path = output ?? (runs.length === 1 ? join(only, reportFile) : reportFile);
  refuseOther(path);
  const read = [];
  for (const folder of runs) read.push(await readReportedRun(folder, { keepsTexts, audit }));
  const lacks = read.flatMap(({ name, lacks }) => lacks.map((line) => `${name}: ${line}`));
  for (const line of lacks) note(hooks, line);
  const { reportPage } = await import('../report/page.ts');
  await writeFileAtomic(path, await reportPage(namedApart(read, runs), versionOf()));
  return { path, runs, lacks };
}

/** The report of a run that has just finished, in its folder. That it cannot be written is told, and fails no run. */
export async function reportOfRun(folder: string, keepsTexts: boolean, hooks: JobHooks): Promise<void> {
  try {
    const { reportPage } = await import('../report/page.ts');
    await writeFileAtomic(
      join(folder, reportFile),
      await reportPage([await readReportedRun(folder, { keepsTexts })], versionOf()),
    );
  } catch (error) {
    note(hooks, say`${join(folder, reportFile)} was not written: ${messageOf(error)}`);
  }
}

/** Runs of one name are called by their folders. */
function namedApart<T extends { readonly name: string }>(read: readonly T[], folders: readonly string[]): T[] {
  const isDouble = (name: string) => read.filter((one) => one.name === name).length > 1;
  return read.map((run, i) => (isDouble(run.name) ? { ...run, name: folders[i] ?? run.name } : run));
}

/** @throws UsageError where a file stands that is no report */
function refuseOther(path: string): void {
  if (!existsSync(path)) return;
  const head = Buffer.alloc(4096);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, head);
    if (head.subarray(0, length).includes('content="bertune report"')) return;
  } finally {
    closeSync(file);
  }
  throw new UsageError(say`${setting('output')} ${path} is there and no report of bertune; choose another file`);
}

function versionOf(): string {
  return packageVersions().bertune ?? '';
}
