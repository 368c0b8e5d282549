import { thinned } from '../curves.ts';
import { figure, percent, quantity, sortableTable, texts } from '../format.ts';
import type { NumberHeld } from '../held.ts';
import { html } from '../html.ts';
import { heldText, keptNote } from '../shownTexts.ts';
import type { Section } from './section.ts';

/** Texts that are drawn, and those whose numbers are furthest off that are listed. */
const [mostDrawn, mostListed] = [800, 20] as const;
/** Characters of a name that an axis has room for. */
const mostOnAxis = 28;

export const numbersSection: Section = {
  title: 'Numbers told against right ones',
  lead: 'Each point is a held-out text: the nearer to the line, the better; above it, too much was told.',
  render({ held, target }, { marks, draw }) {
    if (target?.shape !== 'number') return undefined;
    if (target.count === 0) return 'no labeled texts were held out';
    if (held?.kind !== 'number') return 'the run kept no answers';
    const points = held.own.map((own, i) => ({ own, told: held.told[i] as number, i }));
    const drawn = thinned(points, mostDrawn);
    const { interval, name } = held;
    const axis = [...name].length > mostOnAxis ? `${[...name].slice(0, mostOnAxis).join('')}…` : name;
    const all = [...held.own, ...held.told];
    const [least, most] = [Math.min(...all), Math.max(...all)];
    // Where all are one number, there is some room around it to draw.
    const [low, high] = least < most ? [least, most] : [least - 1, most + 1];
    const inside = points.filter(({ own, told }) => Math.abs(own - told) <= (interval?.margin ?? 0)).length;
    const band =
      interval &&
      ` ${percent(inside / points.length)} lie within the band, ± ${figure(interval.margin)}, which is to hold ${percent(interval.share)}.`;
    const label = `${name} as told against ${name} as it is, of ${texts(drawn.length, 'held-out text')}.`;
    const plot = draw(label, {
      height: 300,
      x: { label: `${axis}, right`, domain: [low, high], nice: true, ticks: 5 },
      y: { label: `${axis}, told`, domain: [low, high], nice: true, ticks: 5, grid: true },
      marks: [
        ...(interval
          ? [
              // Cut off at the edges, which takes points in between.
              marks.areaY(
                Array.from({ length: 101 }, (_, i) => low + (i / 100) * (high - low)),
                {
                  x: (own: number) => own,
                  y1: (own: number) => Math.max(low, own - interval.margin),
                  y2: (own: number) => Math.min(high, own + interval.margin),
                  fill: 'var(--accent)',
                  fillOpacity: 0.1,
                },
              ),
            ]
          : []),
        marks.line(
          [
            [low, low],
            [high, high],
          ],
          { stroke: 'var(--soft)', strokeDasharray: '4 4' },
        ),
        marks.dot(drawn, { x: 'own', y: 'told', r: 2.5, fill: 'var(--accent)', fillOpacity: 0.5 }),
      ],
    });
    return html`<figure>${plot}<figcaption>${label}${band}</figcaption></figure>${furthest(held)}${keptNote(held)}`;
  },
};

/** The texts whose numbers are furthest off. */
function furthest(held: NumberHeld) {
  const { own, told, name } = held;
  const off = own.map((value, i) => (told[i] as number) - value);
  const order = Array.from(off.keys()).sort((a, b) => Math.abs(off[b] as number) - Math.abs(off[a] as number));
  const number = (value: number) => ({ shown: figure(value), sort: value });
  const table = sortableTable(
    'Texts whose numbers are furthest off',
    [{ title: 'text' }, ...[`${name}, right`, 'told', 'off by'].map((title) => ({ title, isNumber: true }))],
    order
      .slice(0, mostListed)
      .map((i) => [
        heldText(held, i) ?? quantity(i + 1),
        ...[number(own[i] as number), number(told[i] as number), number(off[i] as number)],
      ]),
  );
  return html`<details><summary>Texts whose numbers are furthest off</summary>${table}</details>`;
}
