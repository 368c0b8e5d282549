import { normalizedForm } from '../src/text/normalize.ts';
import { account } from './grammar/account.ts';
import { chineseIntents, chineseLine } from './grammar/chinese.ts';
import { type Draw, drawFor } from './grammar/draw.ts';
import type { Intent } from './grammar/intent.ts';
import { items } from './grammar/items.ts';
import { labeledMessage, logLine } from './grammar/messages.ts';
import { money } from './grammar/money.ts';
import { orders } from './grammar/orders.ts';
import { other } from './grammar/other.ts';

const SEED = 20;
const LABELED_PER_INTENT = 50;

/** The intents of the labeled sets. */
export const intents: readonly Intent[] = [...orders, ...items, ...money, ...account];

/** Every file of this folder that is generated: its name and its text (UTF-8, lines end with `\n`). */
export function generateAll(): Map<string, string> {
  return new Map([
    ['support.txt', lines(6000, 1, englishLine)],
    ['support.zh.txt', lines(1500, 2, (draw) => chineseLine(draw.pick(chineseIntents), draw))],
    ['intents.train.csv', labeledSet(3, 'train')],
    ['intents.test.csv', labeledSet(4, 'test')],
  ]);
}

function englishLine(draw: Draw): string {
  return logLine(draw.pick(draw.chance(0.1) ? other : intents), draw);
}

/** Distinct lines, except that short ones may repeat, as they do in real logs. */
function lines(count: number, stream: number, line: (draw: Draw) => string): string {
  const seen = new Set<string>();
  const written: string[] = [];
  for (let message = 0; written.length < count; message++) {
    const text = line(drawFor(SEED, stream, message));
    const form = normalizedForm(text);
    if (seen.has(form) && text.length > 25) continue;
    seen.add(form);
    written.push(text);
  }
  return `${written.join('\n')}\n`;
}

/** Balanced over the intents, no text twice, in an order that mixes the classes. */
function labeledSet(stream: number, set: 'train' | 'test'): string {
  const seen = new Set<string>();
  const rows: string[] = [];
  const counts = new Map<string, number>();
  for (let message = 0; rows.length < intents.length * LABELED_PER_INTENT; message++) {
    const draw = drawFor(SEED, stream, message);
    const intent = draw.pick(intents);
    const label = intent.label ?? '';
    const text = labeledMessage(intent, set, draw);
    if (text === undefined) continue;
    const form = normalizedForm(text);
    const count = counts.get(label) ?? 0;
    if (seen.has(form) || count === LABELED_PER_INTENT) continue;
    seen.add(form);
    counts.set(label, count + 1);
    rows.push(`${csvField(text)},${label}`);
  }
  return `text,label\n${rows.join('\n')}\n`;
}

function csvField(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
