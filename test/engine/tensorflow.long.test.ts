import { expect } from 'vitest';
import { needing } from '../needs.ts';
import { tfjsNode } from './tfjs.ts';

// With it, the table of cases runs on it, too; without it, this says that it was left out.
needing('tensorflow').test("TensorFlow's own library is found through tfjs-node, and multiplies", async () => {
  expect((await tfjsNode())?.name).toBe('tfjs tensorflow');
});
