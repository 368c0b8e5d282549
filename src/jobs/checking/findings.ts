import { counted } from '../../core/errors.ts';
import { type Message, type Origin, say, setting } from '../../core/message.ts';
import { differenceOf, type LabelReview } from '../../data/labelReview.ts';
import type { TextReview, TokenReview } from '../../data/textReview.ts';
import { listed } from '../finetune/classes.ts';

/** Something that there is to say of data. */
export interface Finding {
  /** `wrong`: training would learn it, or a score would not mean what it says; `note`: good to know. */
  readonly level: 'wrong' | 'note';
  readonly line: Message;
}

/** What is known of a set. */
export interface Reviewed {
  /** What messages call it. */
  readonly flag: Origin;
  readonly texts: TextReview;
  /** As a model's tokenizer reads the texts; absent without a model. */
  readonly tokens?: TokenReview;
  /** Whether it measures alone, and is not split. */
  readonly isHeld?: boolean;
  /** Rows that have no label; absent where no column of labels was taken. */
  readonly unlabeled?: number;
  readonly labels?: LabelReview & { readonly column: string };
  /** Byte sequences that could not be decoded. */
  readonly invalidUtf8: number;
}

/** What there is to say of a set, most telling first. */
export function findingsOf(set: Reviewed): Finding[] {
  return [...labelFindings(set), ...textFindings(set), ...tokenFindings(set)];
}

/** @param others what the held-out texts were looked for in */
export function heldOutFindings(held: Reviewed, others: Reviewed): Finding[] {
  const findings: Finding[] = [];
  const { shared } = held.texts;
  if (shared > 0) {
    findings.push(
      wrong(
        say`${held.flag} has ${counted(shared, 'text')} of ${others.flag}: a score on them flatters; leave them out`,
      ),
    );
  }
  if (held.labels && others.labels) {
    const known = new Set(others.labels.classes.map(({ label }) => label));
    const unknown = held.labels.classes.map(({ label }) => label).filter((label) => !known.has(label));
    if (unknown.length > 0) {
      findings.push(wrong(say`${held.flag} has labels that ${others.flag} has not: ${listed(unknown.map(shown))}`));
    }
  }
  return findings;
}

function labelFindings({ flag, isHeld, texts, labels, unlabeled = 0 }: Reviewed): Finding[] {
  if (!labels) return [];
  const { classes, column, alike, looksLike } = labels;
  const findings: Finding[] = [];
  if (looksLike !== undefined) {
    const some = listed(
      classes.map(({ label }) => shown(label)),
      4,
    );
    const isNumber = looksLike === 'measurements' ? say`a number is learned with ${setting('task')} number, and ` : '';
    findings.push(
      wrong(
        say`${flag}: the labels of column ${column} look like ${looksLike}, not like classes (${some}); ${isNumber}another column is chosen with ${setting('labelColumn')}`,
      ),
    );
  }
  if (unlabeled > 0)
    findings.push(wrong(say`${flag}: ${counted(unlabeled, 'row')} without a label in column ${column}`));
  for (const names of alike) {
    findings.push(
      wrong(
        say`${flag}: ${listed(names.map(shown))} differ in ${differenceOf(names)} and are different classes; if they are one, spell them alike`,
      ),
    );
  }
  if (texts.conflicts > 0) {
    const [first] = texts.conflicting;
    const example = first ? ` (${shown(first.text)}: ${first.labels.map(shown).join(' and ')})` : '';
    findings.push(
      wrong(
        say`${flag}: ${counted(texts.conflicts, 'text')} under more than one label${example}; one of them is wrong`,
      ),
    );
  }
  if (classes.length === 1 && !isHeld)
    findings.push(wrong(say`${flag}: one label only, ${shown(classes[0]?.label ?? '')}`));
  const missing = classes.filter(({ label }) => missingName.test(label.trim())).map(({ label }) => shown(label));
  if (missing.length > 0) {
    findings.push(noted(say`${flag}: ${listed(missing)} may stand for no label, and is taken for a class`));
  }
  const single = classes.filter(({ texts }) => texts === 1).map(({ label }) => shown(label));
  if (single.length > 0 && looksLike === undefined && !isHeld) {
    findings.push(
      noted(
        say`${flag}: ${counted(single.length, 'class has', 'classes have')} one text, which cannot be held out: ${listed(single)}`,
      ),
    );
  }
  return findings;
}

/** How R, pandas, SQL and spreadsheets write a value that is missing. */
const missingName = /^(na|n\/a|nan|null|none|nil|<na>|#n\/a|\\n|-)$/i;

/** Shares from which on something is wrong rather than good to know. */
const manyEmpty = 0.1;
const manyGarbled = 0.01;

function textFindings({ flag, texts, invalidUtf8 }: Reviewed): Finding[] {
  const { rows, empty, headers, repeated, damaged, garbled, missing, missingText = '' } = texts;
  const findings: Finding[] = [];
  const graded = (count: number, limit: number, line: Message) => {
    if (count > 0) findings.push(count >= limit * rows ? wrong(line) : noted(line));
  };
  if (rows === empty) return [wrong(say`${flag}: no row with a text`)];
  if (headers > 0) {
    findings.push(wrong(say`${flag}: ${counted(headers, 'row repeats', 'rows repeat')} the header; leave it out`));
  }
  graded(empty, manyEmpty, say`${flag}: ${empty} of ${counted(rows, 'row')} without a text`);
  const stand = counted(missing, 'text stands', 'texts stand');
  graded(missing, manyEmpty, say`${flag}: ${stand} for none, such as ${shown(missingText)}`);
  if (invalidUtf8 > 0) {
    findings.push(
      wrong(say`${flag}: ${counted(invalidUtf8, 'byte sequence')} that cannot be decoded; is it another encoding?`),
    );
  } else {
    graded(
      damaged,
      manyGarbled,
      say`${flag}: ${counted(damaged, 'text')} with U+FFFD, in place of a character that was lost`,
    );
  }
  const broken = say`${flag}: ${counted(garbled, 'text')} written as UTF-8 and read as another encoding before (such as cafÃ©)`;
  graded(garbled, manyGarbled, broken);
  const which = repeated === 1 ? '1 text repeats another' : `${counted(repeated, 'text')} repeat others`;
  if (repeated > 0) findings.push(noted(say`${flag}: ${which}`));
  return findings;
}

/** Share of unknown tokens from which on a vocabulary is not that of the texts; and of texts that are cut. */
export const manyUnknown = 0.05;
const manyCut = 0.5;

function tokenFindings({ flag, tokens }: Reviewed): Finding[] {
  if (!tokens) return [];
  const findings: Finding[] = [];
  const { unknown, cut, maxLength } = tokens;
  if (unknown > 0) {
    const line = say`${flag}: ${percent(unknown)} of the tokens are not in the vocabulary of ${setting('model')}`;
    if (unknown >= manyUnknown) findings.push(wrong(line));
    else if (unknown >= manyUnknown / 10) findings.push(noted(line));
  }
  if (cut > 0) {
    const line = say`${flag}: ${percent(cut)} of the texts are longer than ${maxLength} tokens (${setting('maxLength')})`;
    findings.push(cut >= manyCut ? wrong(line) : noted(line));
  }
  return findings;
}

function wrong(line: Message): Finding {
  return { level: 'wrong', line };
}

function noted(line: Message): Finding {
  return { level: 'note', line };
}

function percent(share: number): string {
  return share < 0.001 ? 'under 0.1 %' : `${(100 * share).toFixed(1)} %`;
}

/** In quotes, so that a space at an end shows; long ones cut. */
function shown(text: string): string {
  const characters = [...text];
  return JSON.stringify(characters.length > 40 ? `${characters.slice(0, 39).join('')}…` : text);
}
