/**
 * A line of text for people that may name settings. Programs read them by their keys (`maxLength`); the command line
 * spells them as its flags (`--max-length`).
 */
export class Message {
  readonly parts: readonly MessagePart[];

  constructor(parts: readonly MessagePart[]) {
    this.parts = parts;
  }

  /** The line with each setting spelled in some way. */
  spelled(spell: (setting: NamedSetting) => string): string {
    return this.parts.map((part) => (typeof part === 'string' ? part : spell(part))).join('');
  }

  /** The same with its texts changed, all but the settings' names. */
  map(change: (text: string) => string): Message {
    return new Message(this.parts.map((part) => (typeof part === 'string' ? change(part) : part)));
  }

  /** The line as programs read it. */
  toString(): string {
    return this.spelled(({ said }) => said);
  }
}

/** Plain data, so that a message can go from thread to thread. */
export type MessagePart = string | NamedSetting;

/** A setting that a message names. */
export class NamedSetting {
  /** Its key in the table of settings. */
  readonly key: string;
  /** What programs read in its place. */
  readonly said: string;

  constructor(key: string, said: string) {
    this.key = key;
    this.said = said;
  }

  toString(): string {
    return this.said;
  }
}

/** What a message calls the origin of data: a setting, or a name of the caller's own. */
export type Origin = string | NamedSetting;

/**
 * Names a setting in a message.
 *
 * @param key of a record of the table of settings
 * @param said what programs read instead, where what they give is no option of that name
 */
export function setting(key: string, said: string = key): NamedSetting {
  return new NamedSetting(key, said);
}

/** The tag that makes a message of a template: `` say`${setting('maxLength')} ${n} is too long` ``. */
export function say(strings: TemplateStringsArray, ...values: readonly unknown[]): Message {
  const parts: MessagePart[] = [];
  const add = (part: MessagePart) => {
    const last = parts.at(-1);
    // One text, so that what is looked for in it is not cut in two.
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part;
    else parts.push(part);
  };
  for (const [i, text] of strings.entries()) {
    if (i > 0) for (const part of partsOf(values[i - 1])) add(part);
    add(text);
  }
  return new Message(parts.filter((part) => part !== ''));
}

/** Messages, texts and settings' names one after the other, with something between them. */
export function joined(lines: readonly (string | Message | NamedSetting)[], between: string): Message {
  return lines.reduce<Message>((all, line, i) => say`${all}${i > 0 ? between : ''}${line}`, new Message([]));
}

function partsOf(value: unknown): readonly MessagePart[] {
  if (value instanceof Message) return value.parts;
  return [isNamedSetting(value) ? value : String(value)];
}

/** Also one that came from another thread, as plain data. */
function isNamedSetting(value: unknown): value is NamedSetting {
  return typeof value === 'object' && value !== null && 'key' in value && 'said' in value;
}
