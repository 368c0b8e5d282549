import { checkOptions, defaultOf, takenBy } from './check.ts';
import type { JobName } from './jobs.ts';
import type { OptionsOf, Resolved } from './options.ts';
import { Computed } from './setting.ts';
import { isSettingName } from './table.ts';

/**
 * The settings of a job, checked, with every default filled in that is a value.
 *
 * @throws UsageError as `checkOptions`
 */
export function resolve<Job extends JobName>(job: Job, options: OptionsOf<Job>): Resolved<Job> {
  checkOptions(job, options);
  return filled(job, options) as Resolved<Job>;
}

function filled(job: JobName, options: object): Readonly<Record<string, unknown>> {
  const given: Readonly<Record<string, unknown>> = { ...options };
  const values: Record<string, unknown> = {};
  for (const name of takenBy(job).keys()) {
    if (isSettingName(name)) values[name] = given[name] ?? filledIn(defaultOf(job, name), given);
  }
  return values;
}

function filledIn(standard: unknown, given: Readonly<Record<string, unknown>>): unknown {
  if (!(standard instanceof Computed)) return standard;
  return standard.unless !== undefined && given[standard.unless] === undefined ? standard.value : undefined;
}
