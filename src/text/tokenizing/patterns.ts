import { messageOf } from '../../core/errors.ts';
import type { Options } from './kinds.ts';

/** The `pattern` of a part: a text as it is, or a regular expression. @throws BertuneError when it is not known */
export function patternOf(options: Options): RegExp {
  const value = options.raw('pattern');
  if (typeof value === 'object' && value !== null) {
    if ('String' in value && typeof value.String === 'string') return new RegExp(escaped(value.String), 'gu');
    if ('Regex' in value && typeof value.Regex === 'string') {
      try {
        return translatedPattern(value.Regex);
      } catch (error) {
        throw options.refuse('pattern', error instanceof PatternError ? error.message : `valid (${messageOf(error)})`);
      }
    }
  }
  throw options.refuse('pattern', '{"String": text} or {"Regex": pattern}');
}

/** Where a pattern matches, as [from, to). */
export function matchesOf(pattern: RegExp, text: string): [number, number][] {
  return Array.from(text.matchAll(pattern), (match) => [match.index, match.index + match[0].length]);
}

export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/**
 * A pattern of Oniguruma, the library of the reference, as one of JavaScript with the same matches. Classes such as
 * \p{L} are those of Node's Unicode version.
 *
 * @throws PatternError when it uses what is not translated
 */
export function translatedPattern(source: string): RegExp {
  return new RegExp(linear.get(source) ?? new Translation(source).done(), 'gu');
}

/**
 * What transformers strips texts with, so written that it looks at a run of spaces once; word for word it would begin
 * anew at each of them.
 */
const linear = new Map([['\\A +| +\\z', '(?<![^]) +|(?<! ) +(?![^])']]);

/** The message says what a pattern must be. */
class PatternError extends Error {}

function without(part: string): PatternError {
  return new PatternError(`a pattern without ${part}`);
}

class Translation {
  readonly #source: string;
  #place = 0;
  #output = '';
  /** Where in the output the part begins that a quantifier would repeat; undefined when there is none. */
  #part: number | undefined;
  readonly #groups: { readonly start: number; readonly anyCase: boolean }[] = [];
  #anyCase = false;
  #atomic = 0;

  constructor(source: string) {
    this.#source = source;
  }

  done(): string {
    while (this.#place < this.#source.length) this.#next();
    if (this.#groups.length > 0) throw new PatternError('a pattern that closes its groups');
    return this.#output;
  }

  #next(): void {
    const rest = this.#source.slice(this.#place);
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})/.exec(rest)?.[0];
    if (quantifier) {
      this.#quantify(quantifier, rest[quantifier.length]);
      return;
    }
    const group = /^\((?:\?[^:=!>)]*[:=!>]?)?/.exec(rest)?.[0];
    if (group) {
      this.#open(group);
      return;
    }
    const character = String.fromCodePoint(rest.codePointAt(0) as number);
    if (character === ')') this.#close();
    else if (character === '|') {
      this.#place++;
      this.#output += '|';
      this.#part = undefined;
    } else if (character === '[') this.#add(this.#class());
    else if (character === '\\') this.#add(this.#escape(false));
    else {
      this.#place += character.length;
      this.#add(plain[character] ?? this.#literal(character));
    }
  }

  #add(text: string): void {
    this.#part = this.#output.length;
    this.#output += text;
  }

  #literal(character: string): string {
    if (!this.#anyCase || !/[a-z]/i.test(character)) return escaped(character);
    return `[${character.toLowerCase()}${character.toUpperCase()}${otherCases[character.toLowerCase()] ?? ''}]`;
  }

  #quantify(quantifier: string, after: string | undefined): void {
    if (this.#part === undefined) throw new PatternError(`a pattern with something before ${quantifier}`);
    const repeated = this.#output.slice(this.#part);
    const braces = quantifier.startsWith('{');
    const written = quantifier.replace('{,', '{0,');
    this.#place += quantifier.length;
    if (after === '?' && !(braces && !quantifier.includes(','))) {
      this.#place++;
      this.#output += `${written}?`;
    } else if (after === '+' && !braces) {
      // What it took it keeps: a group that is looked ahead at is not gone back into.
      this.#place++;
      this.#output = `${this.#output.slice(0, this.#part)}(?=(?<a${this.#atomic}>${repeated}${written}))\\k<a${this.#atomic}>`;
      this.#atomic++;
    } else if (after !== undefined && '*+?{'.includes(after)) {
      throw without(`${quantifier}${after}`);
    } else this.#output += written;
    this.#part = undefined;
  }

  #open(group: string): void {
    if (!['(', '(?:', '(?i:', '(?=', '(?!', '(?<=', '(?<!'].includes(group)) throw without(group);
    this.#groups.push({ start: this.#output.length, anyCase: this.#anyCase });
    this.#place += group.length;
    this.#anyCase ||= group === '(?i:';
    this.#output += group === '(' || group === '(?i:' ? '(?:' : group;
    this.#part = undefined;
  }

  #close(): void {
    const group = this.#groups.pop();
    if (!group) throw new PatternError('a pattern that opens the groups it closes');
    this.#place++;
    this.#output += ')';
    this.#part = group.start;
    this.#anyCase = group.anyCase;
  }

  /** A character class, from [ to ]. */
  #class(): string {
    this.#place++;
    let result = '[';
    if (this.#source[this.#place] === '^') {
      this.#place++;
      result += '^';
    }
    while (this.#source[this.#place] !== ']') {
      const code = this.#source.codePointAt(this.#place);
      if (code === undefined) throw new PatternError('a pattern that closes its classes');
      const character = String.fromCodePoint(code);
      if (character === '[' || this.#source.startsWith('&&', this.#place)) {
        throw without(`${character === '[' ? '[' : '&&'} in a class`);
      }
      if (this.#anyCase && /[a-z]/i.test(character)) throw without('a class in (?i:');
      if (character === '\\') result += this.#escape(true);
      else {
        this.#place += character.length;
        result += character === '-' ? character : escaped(character);
      }
    }
    this.#place++;
    if (result === '[' || result === '[^') throw without('an empty class');
    return `${result}]`;
  }

  #escape(inClass: boolean): string {
    const rest = this.#source.slice(this.#place);
    const property = /^\\([pP])\{(\^?)([A-Za-z_]+)\}/.exec(rest);
    if (property) {
      const [all, letter, not, name = ''] = property;
      this.#place += all.length;
      const negated = (letter === 'P') !== (not === '^');
      return `\\${negated ? 'P' : 'p'}{${propertyName(name)}}`;
    }
    const code = /^\\(?:x\{([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))/.exec(rest);
    if (code) {
      this.#place += code[0].length;
      return `\\u{${code[1] ?? code[2] ?? code[3]}}`;
    }
    const character = rest[1] ?? '';
    this.#place += 2;
    const known = (inClass ? classEscapes : escapes)[character];
    if (known) return known;
    if (character === '' || /[\p{L}\p{N}]/u.test(character)) throw without(`\\${character}`);
    return character === '-' && inClass ? '\\-' : escaped(character);
  }
}

function propertyName(name: string): string {
  for (const candidate of [name, `Script=${name}`]) {
    try {
      new RegExp(`\\p{${candidate}}`, 'u');
      return candidate;
    } catch {
      // Another spelling may fit.
    }
  }
  throw without(`\\p{${name}}`);
}

const plain: Readonly<Record<string, string>> = {
  '.': '[^\\n]',
  '^': '(?:(?<![^])|(?<=\\n))',
  $: '(?:(?=\\n)|(?![^]))',
};

/** What letters stand for beside their two ASCII forms, where case does not count. */
const otherCases: Readonly<Record<string, string>> = { k: '\u212a', s: '\u017f' };

const wordCharacters = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}';
const classEscapes: Readonly<Record<string, string>> = {
  n: '\\n',
  r: '\\r',
  t: '\\t',
  f: '\\f',
  v: '\\v',
  s: '\\p{White_Space}',
  S: '\\P{White_Space}',
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  w: wordCharacters,
};
const escapes: Readonly<Record<string, string>> = {
  ...classEscapes,
  w: `[${wordCharacters}\\u00b2\\u00b3\\u00b9\\u00bc-\\u00be]`,
  W: `[^${wordCharacters}\\u00b2\\u00b3\\u00b9\\u00bc-\\u00be]`,
  A: '(?<![^])',
  z: '(?![^])',
};
