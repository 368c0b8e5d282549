import { texts as counted, quantity } from './format.ts';
import { countOf, type Held, type HeldEntity } from './held.ts';
import { type Html, html } from './html.ts';

/** Characters of a text that are shown. */
const mostCharacters = 400;

/** A text that was held out, or both of a pair; undefined where texts are left out. */
export function heldText(held: Held, i: number): Html | undefined {
  const [text, pair] = [held.texts?.[i], held.pairs?.[i]];
  if (text === undefined) return undefined;
  if (pair === undefined) return shownText(text);
  return html`${shownText(text)}<span class="second"><span class="unseen">with</span><span aria-hidden="true">+</span> ${shownText(pair)}</span>`;
}

export function shownText(text: string): Html {
  const characters = [...text];
  const shown = characters.length <= mostCharacters ? text : `${characters.slice(0, mostCharacters - 1).join('')}…`;
  return html`<span class="text">${shown}</span>`;
}

/** A text with its parts marked that it has, that were found, or both. */
export function markedText(text: string, own: readonly HeldEntity[], found: readonly HeldEntity[]): Html {
  const end = Math.min(text.length, mostCharacters);
  const borders = [...own, ...found]
    .flatMap(({ 0: start, 1: end }) => [start, end])
    .filter((place) => place > 0 && place < end);
  const places = [...new Set([0, ...borders, end])].sort((a, b) => a - b);
  const pieces = places.slice(0, -1).map((from, i) => {
    const holds = ([start, end]: HeldEntity) => start <= from && from < end;
    const [isOwn, isFound] = [own.some(holds), found.some(holds)];
    const piece = text.slice(from, places[i + 1]);
    if (!isOwn && !isFound) return piece;
    return html`<mark class="${isOwn && isFound ? 'both' : isOwn ? 'missed' : 'strange'}">${piece}</mark>`;
  });
  return html`<span class="text">${pieces}${text.length > end && '…'}</span>`;
}

/** What is said of texts that are not there to be read. */
export function keptNote(held: Held | undefined): Html | undefined {
  if (!held) return html`<p class="hint">The run kept no answers, so that there are no texts to open.</p>`;
  if (!held.texts) return html`<p class="hint">Texts are left out of this report.</p>`;
  if (held.of > countOf(held))
    return html`<p class="hint">Of ${counted(held.of, 'held-out text')}, ${quantity(countOf(held))} were kept to be read.</p>`;
  return undefined;
}
