import { expect, test } from 'vitest';
import { erf, erfc } from './erf.ts';

// Values of C's erf and erfc.
const known = [
  [1e-5, 1.1283791670579e-5, 0.9999887162083294],
  [0.1, 0.1124629160182849, 0.8875370839817152],
  [0.5, 0.5204998778130465, 0.4795001221869535],
  [1, 0.8427007929497149, 0.15729920705028513],
  [2, 0.9953222650189527, 0.004677734981047265],
  [2.9, 0.9999589021219005, 4.109787809945886e-5],
  [3.1, 0.9999883513426328, 1.1648657367199589e-5],
  [4, 0.9999999845827421, 1.541725790028002e-8],
  [5, 0.9999999999984626, 1.5374597944280351e-12],
] as const;

test.each(known)('erf and erfc of %f and of its negative', (x, value, complement) => {
  expect(Math.abs(erf(x) / value - 1)).toBeLessThan(1e-15);
  expect(erf(-x)).toBe(-erf(x));
  expect(Math.abs(erfc(x) / complement - 1)).toBeLessThan(x < 3 ? 1e-11 : 1e-14);
  expect(Math.abs(erfc(-x) / (1 + value) - 1)).toBeLessThan(1e-15);
});
