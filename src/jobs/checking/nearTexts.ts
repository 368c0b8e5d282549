import { counted } from '../../core/errors.ts';
import { breathe } from '../../core/interrupt.ts';
import { type Message, type Origin, say } from '../../core/message.ts';
import { NearDuplicates } from '../../data/nearDuplicates.ts';
import { repeatedForm } from '../../text/normalize.ts';
import type { Finding } from './findings.ts';

/** Texts of a set, and characters of them, that are looked at: the first ones that differ. */
const mostTexts = 20_000;
const mostCharacters = 20_000_000;

interface Kept {
  readonly text: string;
  readonly label?: string;
  readonly set: number;
}

/** Looks for texts that are nearly the same, in a set and between sets. What repeats outright is told elsewhere. */
export class NearTexts {
  readonly #kept: Kept[] = [];
  readonly #forms: Set<string>[] = [];
  readonly #flags: Origin[] = [];
  readonly #left: boolean[] = [];
  #characters = 0;

  /** Begins a set: what is added from now on is of it. */
  begin(flag: Origin): void {
    this.#flags.push(flag);
    this.#forms.push(new Set());
    this.#left.push(false);
    this.#characters = 0;
  }

  add(text: string, label?: string): void {
    const set = this.#flags.length - 1;
    const forms = this.#forms[set];
    if (!forms || this.#left[set]) return;
    const form = repeatedForm(text);
    if (form === '' || forms.has(form)) return;
    this.#characters += text.length;
    if (forms.size === mostTexts || this.#characters > mostCharacters) {
      this.#left[set] = true;
      return;
    }
    forms.add(form);
    this.#kept.push({ text, label, set });
  }

  /** What there is to say. Throws an InterruptedError when the signal was aborted. */
  async findings(signal?: AbortSignal): Promise<Finding[]> {
    const near = new NearDuplicates((i) => this.#kept[i]?.text ?? '');
    for (const [i, { text }] of this.#kept.entries()) {
      if (i % 1000 === 0) await breathe(signal);
      near.add(text);
    }
    const groups = near.groups();
    const at = (i: number) => this.#kept[i] as Kept;
    const found = (isWanted: (a: Kept, b: Kept) => boolean) => {
      const pairs = groups.flatMap((group) => near.closest(group, (a, b) => isWanted(at(a), at(b))));
      const [first] = pairs.sort((a, b) => b.similarity - a.similarity);
      return { pairs, example: first && [at(first.first), at(first.second)] } as const;
    };
    return this.#flags.flatMap((flag, set) => {
      const of = this.#left[set] ? `of the first ${counted(this.#forms[set]?.size ?? 0, 'text')}, ` : '';
      const findings: Message[] = [];
      const inSet = new Set(groups.flatMap(({ members }) => membersOf(members.filter((i) => at(i).set === set))));
      const { example } = found((a, b) => a.set === set && b.set === set);
      if (inSet.size > 0 && example) {
        const texts = `${counted(inSet.size, 'text is', 'texts are')} nearly the same as another`;
        findings.push(say`${flag}: ${of}${texts} (${example.map(({ text }) => shown(text)).join(' and ')})`);
      }
      const differ = (a: Kept, b: Kept) => a.label !== undefined && b.label !== undefined && a.label !== b.label;
      const { pairs: conflicts, example: conflict } = found((a, b) => a.set === set && b.set === set && differ(a, b));
      if (conflict) {
        const pairs = counted(conflicts.length, 'pair of texts is', 'pairs of texts are');
        const one = conflict.map(({ text, label }) => `${shown(text)}: ${shown(label ?? '')}`).join(', ');
        findings.push(
          say`${flag}: ${of}${pairs} nearly the same under different labels (${one}); audit tells which look wrong`,
        );
      }
      const first = this.#flags[0];
      if (set > 0 && first !== undefined) {
        const held = new Set(
          groups.flatMap(({ members }) => {
            const isShared = members.some((i) => at(i).set === 0);
            return isShared
              ? members.filter((i) => at(i).set === set && !this.#forms[0]?.has(repeatedForm(at(i).text)))
              : [];
          }),
        );
        if (held.size > 0) {
          const texts = `${counted(held.size, 'text is', 'texts are')} nearly the same as one of`;
          findings.push(say`${flag}: ${of}${texts} ${first}: a score on them flatters`);
        }
      }
      return findings.map((line): Finding => ({ level: 'note', line }));
    });
  }
}

/** Those of a group, where it is one in this set alone. */
function membersOf(members: readonly number[]): readonly number[] {
  return members.length > 1 ? members : [];
}

function shown(text: string): string {
  const characters = [...text];
  return JSON.stringify(characters.length > 40 ? `${characters.slice(0, 39).join('')}…` : text);
}
