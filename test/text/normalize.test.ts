import { expect, test } from 'vitest';
import { normalizedForm } from '../../src/text/normalize.ts';

test.each([
  ['  Order #4711\tis  LATE\n', 'order #0 is late'],
  ['order #12 is late', 'order #0 is late'],
  ['٣ 个订单　已发货', '0 个订单 已发货'],
  ['', ''],
])('%j becomes %j', (text, expected) => {
  expect(normalizedForm(text)).toBe(expected);
});
