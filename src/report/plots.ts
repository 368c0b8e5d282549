import type { Markish, PlotOptions } from '@observablehq/plot';
import { Html } from './html.ts';

/** Draws plots to SVG. */
export interface Plots {
  /** The library's marks. */
  readonly marks: typeof import('@observablehq/plot');
  /** @param label what the drawing shows, for those who do not see it */
  draw(label: string, options: PlotOptions & { readonly marks: Markish[] }): Html;
}

/** What is changed of a drawing. */
interface Drawing {
  readonly outerHTML: string;
  querySelectorAll(selector: string): Iterable<Element>;
  setAttribute(name: string, value: string): void;
}
interface Element {
  readonly attributes: Iterable<{ readonly name: string }>;
  remove(): void;
  removeAttribute(name: string): void;
}

/** What is drawn is as wide as a phone, so that nothing in it has to shrink there. */
const width = 360;

/** Loads what draws: it takes longer than a command may to start. */
export async function openPlots(): Promise<Plots> {
  const [marks, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const { document } = parseHTML('<!doctype html><html></html>');
  return {
    marks,
    draw(label, options) {
      const svg: Drawing = marks.plot({ width, height: 220, marginLeft: 48, marginBottom: 38, ...options, document });
      // Colors are those of the page, and so is the rule that lets a drawing shrink.
      for (const style of svg.querySelectorAll('style')) style.remove();
      // One picture with one name: what its parts are called is for those who take it apart.
      for (const part of svg.querySelectorAll('*')) {
        for (const { name } of [...part.attributes]) if (name.startsWith('aria-')) part.removeAttribute(name);
      }
      svg.setAttribute('role', 'img');
      svg.setAttribute('aria-label', label);
      return Html.trusted(svg.outerHTML);
    },
  };
}

/** The color of a series, as the page has it for light and dark. */
export function seriesColor(number: number): string {
  return `var(--series-${number % 6})`;
}
