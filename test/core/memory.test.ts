import { totalmem } from 'node:os';
import { expect, test } from 'vitest';
import { availableMemory } from '../../src/core/memory.ts';

test('available is what the system can give, not what nothing is in: on macOS all of it', () => {
  expect(availableMemory('darwin')).toBe(totalmem());
  expect(availableMemory('linux')).toBeGreaterThan(0);
  expect(availableMemory('linux')).toBeLessThanOrEqual(totalmem());
});
