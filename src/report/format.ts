import { type Html, html } from './html.ts';
import type { Row } from './run.ts';

/** 0.1234 as "12.3 %". */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '–';
}

/** The same with its interval. */
export function withInterval(share: number, low: number, high: number): string {
  return `${percent(share)} (${(100 * low).toFixed(1)} to ${percent(high)})`;
}

/** A whole number with its thousands apart. */
export function quantity(count: number): string {
  return count.toLocaleString('en-US');
}

/** "1 text", "2 texts". */
export function texts(count: number, noun = 'text'): string {
  return `${quantity(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A loss, a perplexity: as many digits as tell something. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? quantity(Math.round(value)) : value.toPrecision(3);
}

/** Rows of two columns. */
export function rowsTable(caption: string, rows: readonly Row[]): Html {
  return html`<table class="rows"><caption class="unseen">${caption}</caption><tbody>${rows.map(
    ({ name, value }) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table>`;
}

/** A column of a table; numbers stand at the right. */
export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
}

/** Rows of a table that are shown. */
const mostRows = 500;

/** A table that a script may sort by its columns; what it sorts by is the cell's text, or its `sort`. */
export function sortableTable(caption: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): Html {
  const head = columns.map(
    ({ title, isNumber }) => html`<th scope="col" class="${isNumber ? 'number' : ''}">${title}</th>`,
  );
  const cell = (value: Cell, i: number) => {
    const { shown, sort } = typeof value === 'object' && 'shown' in value ? value : { shown: value, sort: undefined };
    const kind = columns[i]?.isNumber ? 'number' : '';
    const attribute = sort === undefined ? '' : html` data-sort="${sort}"`;
    return i === 0
      ? html`<th scope="row"${attribute}>${shown}</th>`
      : html`<td class="${kind}"${attribute}>${shown}</td>`;
  };
  const body = rows.slice(0, mostRows).map((row) => html`<tr>${row.map(cell)}</tr>`);
  const rest = rows.length - mostRows;
  return html`<div class="scrolls" role="group" tabindex="0" aria-label="${caption}"><table class="sorts"><caption class="unseen">${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>${rest > 0 && html`<p class="hint">${texts(rest, 'more row')} not shown.</p>`}`;
}

export type Cell = string | Html | { readonly shown: string | Html; readonly sort: number };
