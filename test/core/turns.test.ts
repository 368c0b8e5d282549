import { expect, test } from 'vitest';
import { Turns } from '../../src/core/turns.ts';

test('one at a time, in the order in which they come; to end a turn twice ends no other', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const first = await turns.take();
  const others = ['b', 'c'].map((name) =>
    turns.during(async () => {
      seen.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`${name} ends`);
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual([]);
  first();
  first();
  await Promise.all(others);
  expect(seen).toEqual(['b begins', 'b ends', 'c begins', 'c ends']);
});

test('work that fails ends its turn', async () => {
  const turns = new Turns();
  await expect(turns.during(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await turns.during(async () => 1)).toBe(1);
});
