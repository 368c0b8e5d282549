import { UsageError } from '../core/errors.ts';
import { joined, type Message, say, setting } from '../core/message.ts';
import { nearestName } from '../core/suggest.ts';
import { type JobName, jobs } from './jobs.ts';
import { Computed, type Taken } from './setting.ts';
import { clash, isSettingName, type SettingName, settingNames, settingOf } from './table.ts';
import type { Takes } from './takes.ts';
import type { ValueType } from './valueTypes.ts';

/**
 * Checks the options that a program gives to a job: what is undefined counts as not given.
 *
 * @throws UsageError that names the option: one that the job does not have or cannot use, one that is missing, a value
 * that cannot be used, or two that exclude each other
 */
export function checkOptions(job: JobName, options: object): void {
  const taken = takenBy(job);
  if (!isObject(options)) throw new UsageError(`${job} takes an object of options, got ${shown(options)}`);
  const given = new Map(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const name of given.keys()) if (!taken.has(name)) throw unknown(job, name, [...taken.keys()]);
  for (const [name, { required }] of taken) {
    if (required && !given.has(name)) throw new UsageError(say`${job} needs ${setting(name)}`);
  }
  for (const [name, value] of given) {
    const problem = faultIn(typeIn(job, name as SettingName), value);
    if (problem)
      throw new UsageError(
        say`${setting(name)}${problem.place} must be ${problem.expected}, got ${shown(problem.value)}`,
      );
    checkFields(job, name as SettingName, value);
  }
  const pair = clash(Object.fromEntries(given));
  if (pair) throw new UsageError(say`${setting(pair[0])} and ${setting(pair[1])} cannot be given together`);
  const kindOf = (key: string): string | undefined => {
    const deciding = given.get(key) ?? defaultOf(job, key as SettingName);
    return deciding instanceof Computed ? `the default (${deciding.text})` : deciding && String(deciding);
  };
  for (const [name, { only, except }] of taken) {
    const value = given.get(name);
    if (value === undefined || value === false) continue;
    const kind = only && kindOf(only.key);
    if (only && !only.values.includes(String(kind))) {
      const deciders = say`${setting(only.key)} ${only.values.join(' and ')}`;
      throw new UsageError(say`${setting(name)} is an option of ${deciders}${kind ? `, not of ${kind}` : ' alone'}`);
    }
    const other = except && String(kindOf(except.key));
    if (except && other && except.values.includes(other)) {
      throw new UsageError(say`${setting(name)} is no option of ${setting(except.key)} ${other}`);
    }
  }
}

/** What a job takes, in the order of the table. */
export function takenBy(job: JobName): ReadonlyMap<string, Taken> {
  const taken: Takes = jobs[job];
  return new Map(settingNames.flatMap((name) => (taken[name] ? [[name, taken[name]]] : [])));
}

/** What a setting is in a job when it is not given. */
export function defaultOf(job: JobName, name: SettingName): unknown {
  const taken = takenBy(job).get(name) ?? {};
  return 'default' in taken ? taken.default : settingOf(name).default;
}

/** The type of a setting where a job takes it. */
export function typeIn(job: JobName, name: SettingName): ValueType<unknown> {
  return takenBy(job).get(name)?.type ?? settingOf(name).type;
}

/** What is wrong with a value: what has to be otherwise, where in it, and how. */
interface Fault {
  readonly value: unknown;
  readonly place: string;
  readonly expected: string;
}

/** What is wrong with a value of a type. Of a list, the first item that is. */
export function faultIn(type: ValueType<unknown>, value: unknown): Fault | undefined {
  const { item, expected } = type;
  if (item && Array.isArray(value)) {
    const wrong = value.findIndex((one) => !item.accepts(one));
    if (wrong >= 0) return { value: value[wrong], place: `[${wrong}]`, expected: item.expected };
  }
  return type.accepts(value) ? undefined : { value, place: '', expected };
}

function checkFields(job: JobName, name: SettingName, value: unknown): void {
  const { fields } = typeIn(job, name);
  if (!fields || !isObject(value)) return;
  const given = Object.entries(value as object).filter(([, field]) => field !== undefined);
  for (const [key, field] of given) {
    const type = fields[key]?.type;
    if (!type) throw unknown(setting(name).said, key, Object.keys(fields));
    const fault = faultIn(type, field);
    const problem = fault && say`must be ${fault.expected}, got ${shown(fault.value)}`;
    if (problem) throw new UsageError(say`${setting(name)}: ${key}${fault?.place} ${problem}`);
  }
  for (const [key, { required }] of Object.entries(fields)) {
    if (required && !given.some(([given]) => given === key)) throw new UsageError(say`${setting(name)} needs ${key}`);
  }
}

function unknown(owner: string, name: string, known: readonly string[]): UsageError {
  const takers = isSettingName(name) ? Object.keys(jobs).filter((job) => takenBy(job as JobName).has(name)) : [];
  if (takers.length > 0) {
    return new UsageError(say`${owner} does not take ${name}, which is an option of ${listed(takers)}`);
  }
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `it takes ${known.join(', ')}` : `did you mean ${nearest}?`;
  return new UsageError(`${owner}: no option ${name}; ${hint}`);
}

function listed(names: readonly string[]): Message {
  return names.length < 2 ? joined(names, '') : say`${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const mostShown = 100;

function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {} // a circle, or a number that JSON does not know within it
  const said = text ?? typeof value;
  return said.length > mostShown ? `${said.slice(0, mostShown)}…` : said;
}
