import { texts as counted, percent, quantity } from '../format.ts';
import type { EntitiesHeld, HeldEntity, SeveralLabelsHeld } from '../held.ts';
import { breakable, type Html, html } from '../html.ts';
import { heldText, keptNote, markedText } from '../shownTexts.ts';
import type { Section } from './section.ts';

/** Labels that are listed, those that stand before the others are opened, and texts of each list of a label. */
const [mostLabels, labelsFirst, mostTexts] = [60, 12, 8] as const;

export const mistakesSection: Section = {
  title: 'What is missed, and what is told wrongly',
  lead: 'Held-out texts by the label that went wrong, those with most mistakes first. Open a label to read its texts.',
  render({ held, target }) {
    if (!target || target.shape === 'number') return undefined;
    if (target.count === 0) return 'no labeled texts were held out';
    if (held?.kind === 'several-labels') return html`${listOf(labelMistakes(held))}${keptNote(held)}`;
    if (held?.kind === 'tokens') return html`${legend(held)}${listOf(entityMistakes(held))}${keptNote(held)}`;
    return 'the run kept no answers';
  },
};

/** What went wrong with a label. */
interface LabelMistakes {
  readonly label: string;
  readonly missed: Mistakes;
  readonly strange: Mistakes;
}

interface Mistakes {
  readonly count: number;
  /** Numbers of the texts, those first that tell most. */
  readonly texts: readonly number[];
  /** A text with what went wrong in it; undefined where texts are left out. */
  show(text: number): Html | undefined;
}

/** By label: texts that have it and were not told, the least likely first, and those told that have it not. */
function labelMistakes(held: SeveralLabelsHeld): LabelMistakes[] {
  const { labels, thresholds, own, told } = held;
  const found = labels.map(() => ({ missed: new Map<number, number>(), strange: new Map<number, number>() }));
  const collect = (of: 'missed' | 'strange', lists: SeveralLabelsHeld['own'], others: SeveralLabelsHeld['own']) => {
    for (const [i, pairs] of lists.entries()) {
      for (const [c, score] of pairs) if (!others[i]?.some(([other]) => other === c)) found[c]?.[of].set(i, score);
    }
  };
  collect('missed', own, told);
  collect('strange', told, own);
  const mistakes = (scores: ReadonlyMap<number, number>, c: number, sign: 1 | -1): Mistakes => ({
    count: scores.size,
    texts: [...scores].sort(([, a], [, b]) => sign * (a - b)).map(([i]) => i),
    show(i) {
      const text = heldText(held, i);
      const from = percent(thresholds[c] ?? 0.5);
      return text && html`${text} <span class="scores">${percent(scores.get(i) ?? 0)}, told from ${from} on</span>`;
    },
  });
  return found.map(({ missed, strange }, c) => ({
    ...{ label: labels[c] ?? String(c), missed: mistakes(missed, c, 1), strange: mistakes(strange, c, -1) },
  }));
}

/** By label: texts with an entity that was not found as it is, and those with one found that they have not. */
function entityMistakes({ texts, own, found }: EntitiesHeld): LabelMistakes[] {
  const names = [...new Set([...own, ...found].flatMap((list) => list.map(([, , label]) => label)))];
  return names.map((label) => {
    const ofLabel = (list: readonly HeldEntity[] = []) => list.filter((one) => one[2] === label);
    const show = (i: number) => {
      const text = texts?.[i];
      if (text === undefined) return undefined;
      const these = ofLabel(own[i]);
      const others = found[i]?.filter((one) => one[2] !== label && these.some((entity) => overlap(entity, one))) ?? [];
      const taken = others.map(([start, end, as]) => `${text.slice(start, end)}: ${as}`);
      return html`${markedText(text, these, ofLabel(found[i]))}${taken.length > 0 && html` <span class="scores">found as another label: ${taken.join('; ')}</span>`}`;
    };
    const mistakes = (lists: EntitiesHeld['own'], others: EntitiesHeld['own']): Mistakes => {
      const counts = lists.map((list, i) =>
        ofLabel(list).filter((one) => !others[i]?.some((other) => same(one, other))),
      );
      const wrong = Array.from(counts.keys()).filter((i) => counts[i]?.length !== 0);
      return { count: counts.flat().length, texts: wrong, show };
    };
    return { label, missed: mistakes(own, found), strange: mistakes(found, own) };
  });
}

function same([start, end, label]: HeldEntity, other: HeldEntity): boolean {
  return start === other[0] && end === other[1] && label === other[2];
}

function overlap(a: HeldEntity, b: HeldEntity): boolean {
  return a[0] < b[1] && b[0] < a[1];
}

function legend({ texts }: EntitiesHeld): Html | undefined {
  if (!texts) return undefined;
  return html`<p class="hint"><mark class="both">right and found</mark> <mark class="missed">right, not found</mark> <mark class="strange">found, not right</mark></p>`;
}

function listOf(all: readonly LabelMistakes[]): Html {
  const size = ({ missed, strange }: LabelMistakes) => missed.count + strange.count;
  const wrong = all.filter((one) => size(one) > 0).sort((a, b) => size(b) - size(a));
  if (wrong.length === 0) return html`<p>Every held-out text was answered rightly.</p>`;
  const list = wrong.slice(0, mostLabels).map(labelOf);
  const further = list.slice(labelsFirst);
  const rest = wrong.length - list.length;
  return html`<div class="pairs">${list.slice(0, labelsFirst)}</div>${
    further.length > 0 &&
    html`<details class="more"><summary>${counted(further.length, 'more label')}</summary><div class="pairs">${further}</div></details>`
  }${rest > 0 && html`<p class="hint">${counted(rest, 'more label')} not listed.</p>`}`;
}

function labelOf({ label, missed, strange }: LabelMistakes): Html {
  const summary = html`<span class="own">${breakable(label)}</span><span class="count">${quantity(missed.count)} missed</span><span class="share wide">${quantity(strange.count)} told wrongly</span>`;
  const lists = [
    { title: 'Missed', texts: missed.texts, show: missed.show },
    { title: 'Told wrongly', texts: strange.texts, show: strange.show },
  ].flatMap(({ title, texts, show }) => {
    const shown = texts.slice(0, mostTexts).flatMap((i) => show(i) ?? []);
    if (shown.length === 0) return [];
    const rest = texts.length - shown.length;
    const list = shown.map((item) => html`<li>${item}</li>`);
    return [
      html`<p class="kind">${title}</p><ul class="texts">${list}</ul>${rest > 0 && html`<p class="hint">${counted(rest, 'more text')} not shown.</p>`}`,
    ];
  });
  if (lists.length === 0) return html`<div class="pair">${summary}</div>`;
  return html`<details class="pair"><summary>${summary}</summary>${lists}</details>`;
}
