import { imagesAndNumbers, prompt, textAndMasks } from './records/models.ts';
import { hub, input, server } from './records/places.ts';
import { engine, evaluation, general, training, trust } from './records/training.ts';
import type { Setting } from './setting.ts';

/** Every setting there is, in the order of the help. Those that no job takes are the command line's own. */
export const settings: Settings = {
  ...input,
  ...hub,
  ...server,
  ...textAndMasks,
  ...imagesAndNumbers,
  ...training,
  ...engine,
  ...evaluation,
  ...trust,
  ...prompt,
  ...general,
};

// An interface over the types of the records, so that a reader of the package's types finds their comments.
export interface Settings
  extends Input,
    Hub,
    Server,
    TextAndMasks,
    ImagesAndNumbers,
    Training,
    Engine,
    Evaluation,
    Trust,
    Prompt,
    General {}
export type SettingName = keyof Settings;

/** The settings of the help's sections. */
export const groups: Readonly<Record<string, readonly SettingName[]>> = {
  'Input and output': namesOf(input),
  'The Hub': namesOf(hub),
  Server: namesOf(server),
  'Text and masks': namesOf(textAndMasks),
  'Images and numbers': namesOf(imagesAndNumbers),
  Training: namesOf(training),
  Engine: namesOf(engine),
  'Evaluation and checkpoints': namesOf(evaluation),
  'How far to trust': namesOf(trust),
  Prompt: namesOf(prompt),
  General: namesOf(general),
};

/** Every name, in the order of the help. */
export const settingNames: readonly SettingName[] = namesOf(settings);

/** Settings of which at most one may be given. */
export const exclusive: readonly (readonly [SettingName, SettingName])[] = [
  ['epochs', 'maxSteps'],
  ['model', 'modelConfig'],
  ['eval', 'evalFraction'],
  ['evalQuery', 'evalFraction'],
  ['eval', 'evalQuery'],
  ['corpus', 'query'],
  ['train', 'query'],
  ['data', 'query'],
  ['input', 'query'],
  ['input', 'stdin'],
  ['test', 'evalFraction'],
  ['resume', 'overwrite'],
  ['mostWrong', 'answered'],
  ['mostWrong', 'costs'],
  ['answered', 'costs'],
];

/** The first pair of settings that are both given, and may not be. */
export function clash(given: Readonly<Record<string, unknown>>): readonly [SettingName, SettingName] | undefined {
  return exclusive.find(([a, b]) => isGiven(given[a]) && isGiven(given[b]));
}

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settings, name);
}

/** A record, for what reads every one alike. */
export function settingOf(name: SettingName): Setting {
  return settings[name];
}

function namesOf<T extends Partial<Settings>>(records: T): readonly (keyof T & SettingName)[] {
  return Object.keys(records).filter((name): name is keyof T & SettingName => isSettingName(name));
}

type Input = typeof input;
type Hub = typeof hub;
type Server = typeof server;
type TextAndMasks = typeof textAndMasks;
type ImagesAndNumbers = typeof imagesAndNumbers;
type Training = typeof training;
type Engine = typeof engine;
type Evaluation = typeof evaluation;
type Trust = typeof trust;
type Prompt = typeof prompt;
type General = typeof general;

export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false;
}
