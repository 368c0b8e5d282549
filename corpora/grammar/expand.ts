import type { Draw } from './draw.ts';

/** Named lists of templates that `{name}` stands for. */
export type Slots = Readonly<Record<string, readonly string[]>>;

/** The slot values one message has settled on, so that its sentences speak of the same order and product. */
export type Bindings = Map<string, string>;

/**
 * A sentence of the template: `(a|b)` is one of its alternatives, which may be empty and may nest; `{name}` a slot,
 * the same value wherever the message names it; `_` a digit from 1 to 9.
 *
 * @throws RangeError for an unknown slot or an unclosed bracket.
 */
export function expand(template: string, slots: Slots, bindings: Bindings, draw: Draw): string {
  const text = alternatives(template, draw)
    .replace(/\{(\w+)\}/g, (_, name: string) => slotValue(name, slots, bindings, draw))
    .replace(/_/g, () => String(1 + draw.below(9)));
  return text
    .replace(/ +/g, ' ')
    .replace(/ ([,.?!])/g, '$1')
    .trim();
}

function slotValue(name: string, slots: Slots, bindings: Bindings, draw: Draw): string {
  const bound = bindings.get(name);
  if (bound !== undefined) return bound;
  const choices = slots[name];
  if (choices === undefined) throw new RangeError(`no slot is named {${name}}`);
  const value = expand(draw.pick(choices), slots, bindings, draw);
  bindings.set(name, value);
  return value;
}

/** Resolves the innermost brackets first, until none is left. */
function alternatives(template: string, draw: Draw): string {
  let text = template;
  for (;;) {
    const next = text.replace(/\(([^()]*)\)/g, (_, body: string) => draw.pick(body.split('|')));
    if (next === text) break;
    text = next;
  }
  if (/[()]/.test(text)) throw new RangeError(`unclosed bracket in: ${template}`);
  return text;
}
