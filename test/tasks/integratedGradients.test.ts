import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { loadText } from '../../src/hub/textFolder.ts';
import { asTensors } from '../../src/nn/parameters.ts';
import { IntegratedGradients, legendre } from '../../src/tasks/text/integratedGradients.ts';
import { tfjsCpu } from '../engine/tfjs.ts';

interface Case {
  readonly folder: string;
  readonly ids: number[];
  readonly pad: number;
  readonly target: number;
  readonly tokens: number[];
  readonly difference: number;
}

const fixtures = join(import.meta.dirname, '..', 'fixtures');
/** Made by `attribution.py` beside it, with captum. */
const reference: { points: number; cases: Case[] } = JSON.parse(
  readFileSync(join(fixtures, 'attribution', 'attribution.json'), 'utf8'),
);
const folders = [...new Set(reference.cases.map(({ folder }) => folder))];

describe.each(folders)('%s', (folder) => {
  const cases = reference.cases.filter((one) => one.folder === folder);
  const open = async ({ ids, pad }: Case, engine = onnxEngine({ threads: 1 })) => {
    const loaded = await loadText(join(fixtures, 'families', folder), { head: 'oneLabel' });
    const { model, values } = loaded;
    const parameters = asTensors(values, model.parameters(model.partsOf('oneLabel')));
    // Of the fixture, the first token and the last one stand for those around a text.
    const frame = { before: ids.slice(0, 1), after: ids.slice(-1), size: 2, pad };
    return new IntegratedGradients(engine, model, frame, parameters, 'oneLabel');
  };

  test('attributions are those of captum at the same points', async () => {
    for (const one of cases) {
      const explained = await open(one);
      const { points } = reference;
      const found = await explained.of(one.ids.slice(1, -1), one.target, { baseline: one.pad, points });
      const largest = Math.max(...one.tokens.map(Math.abs));
      for (const [i, value] of one.tokens.entries()) {
        // Rounding of float32 against float64, over all points.
        expect(Math.abs((found.tokens[i] as number) - value), `token ${i}`).toBeLessThan(2e-4 * Math.max(1, largest));
      }
      expect(found.difference).toBeCloseTo(one.difference, 3);
      expect(found.passes).toBe(points + 2);
      await explained.dispose();
    }
  });

  test('TensorFlow.js gives the same', async () => {
    const [one = never()] = cases;
    const [ours, theirs] = [await open(one), await open(one, tfjsCpu)];
    const asked = [one.ids.slice(1, -1), one.target, { baseline: one.pad, points: 2 }] as const;
    const [expected, found] = [await ours.of(...asked), await theirs.of(...asked)];
    for (const [i, value] of expected.tokens.entries()) expect(found.tokens[i]).toBeCloseTo(value, 3);
    await ours.dispose();
    await theirs.dispose();
  });

  test('they sum to the difference of the logits, by as many points as that takes', async () => {
    for (const one of cases) {
      const explained = await open(one);
      const found = await explained.of(one.ids.slice(1, -1), one.target, { baseline: one.pad });
      const sum = found.tokens.reduce((total, value) => total + value, 0);
      expect(Math.abs(sum - found.difference)).toBeLessThanOrEqual(
        found.points === 128
          ? 0.1 * Math.abs(found.difference) + 0.02
          : Math.max(0.0051, 0.0101 * Math.abs(found.difference)),
      );
      expect(found.error).toBeCloseTo(found.difference - sum, 10);
      await explained.dispose();
    }
  });
});

test.each([1, 2, 5, 24, 128])('%d points integrate polynomials as they should', (n) => {
  for (let degree = 0; degree < Math.min(2 * n, 30); degree++) {
    const value = legendre(n).reduce((sum, { at, weight }) => sum + weight * at ** degree, 0);
    expect(value).toBeCloseTo(1 / (degree + 1), 12);
  }
});

function never(): never {
  throw new Error('no case');
}
