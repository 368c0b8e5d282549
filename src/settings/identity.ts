import { takenBy } from './check.ts';
import type { JobName } from './jobs.ts';
import type { Identity } from './setting.ts';
import { isSettingName, settingOf } from './table.ts';

/**
 * The settings that a run has to go on with, as they are written down beside its checkpoints.
 *
 * @param settings of the job, with what it worked out filled in
 */
export function identityOf(job: JobName, settings: object): Record<string, unknown> {
  const values: Readonly<Record<string, unknown>> = { ...settings };
  const own: Record<string, unknown> = {};
  for (const name of takenBy(job).keys()) {
    const identity = identityIn(job, name);
    if (identity === true) own[name] = values[name];
    else if (typeof identity === 'function') own[name] = identity(values[name], values);
  }
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

/** Whether a setting says which run it is rather than how to go about it. */
export function isOfTheRun(name: string): boolean {
  return !isSettingName(name) || settingOf(name).identity !== false;
}

/** The settings that count in a run: all but those of another method or way. */
export function countingSettings(job: JobName, settings: object): Readonly<Record<string, unknown>> {
  const values: Readonly<Record<string, unknown>> = { ...settings };
  const taken = takenBy(job);
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => {
      const { only, except } = taken.get(name) ?? {};
      if (value === undefined || except?.values.includes(String(values[except.key]))) return false;
      return !only || only.values.includes(String(values[only.key]));
    }),
  );
}

function identityIn(job: JobName, name: string): Identity | undefined {
  const taken = takenBy(job).get(name) ?? {};
  if ('identity' in taken) return taken.identity;
  return isSettingName(name) ? settingOf(name).identity : undefined;
}
