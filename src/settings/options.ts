import type { Jobs } from './jobs.ts';
import type { Computed } from './setting.ts';
import type { SettingName, Settings } from './table.ts';
import type { Takes } from './takes.ts';
import type { ValueOf } from './valueTypes.ts';

/** The value of a setting where a job, or a part that jobs share, takes it. */
type ValueIn<T extends Takes, K extends keyof T & SettingName> = T[K] extends { readonly type: infer Type }
  ? ValueOf<Type>
  : ValueOf<Settings[K]['type']>;

type DefaultIn<T extends Takes, K extends keyof T & SettingName> = T[K] extends { readonly default: infer Default }
  ? Default
  : Settings[K] extends { readonly default: infer Default }
    ? Default
    : undefined;

/** Whether there is always a value: one that has to be given, or a default that is one. */
type IsFilled<T extends Takes, K extends keyof T & SettingName> = T[K] extends { readonly required: true }
  ? true
  : DefaultIn<T, K> extends Computed | undefined
    ? false
    : true;

type RequiredNames<T extends Takes> = {
  [K in keyof T & SettingName]: T[K] extends { readonly required: true } ? K : never;
}[keyof T & SettingName];

type FilledNames<T extends Takes> = {
  [K in keyof T & SettingName]: IsFilled<T, K> extends true ? K : never;
}[keyof T & SettingName];

// Over the keys of a type parameter, so that an option keeps the comment of its record.
type Values<Records, K extends keyof Records, T extends Takes> = {
  readonly [Name in K]: ValueIn<T, Name & keyof T & SettingName>;
};

type Given<T extends Takes> = Values<Settings, RequiredNames<T>, T> &
  Partial<Values<Settings, Exclude<keyof T & SettingName, RequiredNames<T>>, T>>;

type Filled<T extends Takes> = Values<Settings, FilledNames<T>, T> &
  Partial<Values<Settings, Exclude<keyof T & SettingName, FilledNames<T>>, T>>;

// Each of these is a mapped type itself, so that messages of the compiler call it by its name.

/** What programs give for a part that jobs share, such as all that every training job takes. */
export type OptionsFrom<T extends Takes> = { [K in keyof Given<T>]: Given<T>[K] };

/** Options of a job, as programs give them. */
export type OptionsOf<Job extends keyof Jobs> = { [K in keyof Given<Jobs[Job]>]: Given<Jobs[Job]>[K] };

/** The settings of a part that jobs share, with every default filled in that is a value. */
export type ResolvedFrom<T extends Takes> = { [K in keyof Filled<T>]: Filled<T>[K] };

/** The settings of a job with every default filled in that is a value; what the job works out is still to come. */
export type Resolved<Job extends keyof Jobs> = { [K in keyof Filled<Jobs[Job]>]: Filled<Jobs[Job]>[K] };
