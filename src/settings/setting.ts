import type { ValueType } from './valueTypes.ts';

/** One setting: all that is known of it beside what a job says otherwise. */
export interface Setting<T = unknown> {
  readonly type: ValueType<T>;
  /** One line for the help. */
  readonly help: string;
  /** What it is when it is not given. Absent: nothing. */
  readonly default?: unknown;
  /** Whether the help leaves the default out: where it means that there is nothing. */
  readonly isQuiet?: boolean;
  /** What its number counts. */
  readonly unit?: string;
  /** The flag and the key of the YAML file, where it is not the key in kebab case; false: programs alone give it. */
  readonly flag?: string | false;
  /** Another flag that is taken for it, and that the help leaves out. */
  readonly alsoFlag?: string;
  /** What the command line takes, where programs may say more. */
  readonly flagType?: ValueType<unknown>;
  readonly identity?: Identity;
  /** Where model cards list it; absent: nowhere. */
  readonly card?: CardPart;
  /** False: cards leave it out where it is 0, which means that there is nothing. */
  readonly cardAt0?: false;
}

/**
 * The parts of a model card's table, in their order; within one, settings stand as in the help.
 *
 * - `course`: how many steps there are and what each does.
 * - `batches`: what a step sees.
 * - `text`: how texts become inputs.
 * - `trained`: of which model and which examples, and until when.
 * - `draws`: what is held out, and the seed.
 */
export const cardParts = ['course', 'batches', 'text', 'trained', 'draws'] as const;
export type CardPart = (typeof cardParts)[number];

/** Settings by their keys. */
export type Table = Readonly<Record<string, Setting>>;

/** Of a run's identity where it is switched on or above 0. */
export const whenOn: Identity = (value) => value || undefined;

/**
 * What a setting has to do with which run it is.
 *
 * - `false`: nothing, it says how to go about a run.
 * - absent: something, but what comes of it stands for it, such as a digest of the data, or a run may go on with another.
 * - `true`: a run goes on with the same value alone.
 * - a function: with the same of what it gives alone; undefined where the setting does not count.
 */
export type Identity = boolean | ((value: unknown, settings: Readonly<Record<string, unknown>>) => unknown);

/** What a job says of a setting that it takes. */
export interface Taken {
  readonly required?: boolean;
  readonly type?: ValueType<unknown>;
  readonly help?: string;
  readonly default?: unknown;
  /** How the help puts the default, where that says more than the value. */
  readonly defaultHelp?: string;
  readonly identity?: Identity;
  /** Values of another setting of the job under which alone it counts. */
  readonly only?: { readonly key: string; readonly values: readonly string[] };
  /** Values of another setting of the job under which it does not count. */
  readonly except?: { readonly key: string; readonly values: readonly string[] };
}

/** A default that the job works out, or that counts under a condition. */
export class Computed<V = unknown> {
  /** What the help says of it. */
  readonly text: string;
  readonly value: V;
  /** The setting that, when it is given, leaves this one without a value; absent: the job fills the value in. */
  readonly unless: string | undefined;

  constructor(text: string, value: V, unless?: string) {
    this.text = text;
    this.value = value;
    this.unless = unless;
  }
}

/** A default that the job works out. */
export function computed(text: string): Computed<undefined> {
  return new Computed(text, undefined);
}

/** A default that holds where the setting counts at all; the job fills it in there. */
export function whereUsed<const V>(value: V): Computed<V> {
  return new Computed(String(value), value);
}

/** A default that holds unless another setting is given. */
export function unless<const V>(key: string, value: V): Computed<V> {
  return new Computed(String(value), value, key);
}
