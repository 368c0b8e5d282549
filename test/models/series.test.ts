import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { floatData, type HostTensor } from '../../src/core/tensor.ts';
import {
  forecasterModel,
  type NumbersModel,
  predictions,
  squaredErrorLoss,
  tableModel,
} from '../../src/tasks/series.ts';
import { compileStep, gradientOutput, lossOutput } from '../../src/train/programs.ts';
import { engines } from '../engine/engines.ts';
import { expectClose } from '../parity.ts';

interface Reference {
  readonly batch: number;
  readonly inputs: number[];
  readonly targets: number[];
  readonly prediction: number[];
  readonly loss: number;
  readonly parameters: Readonly<Record<string, number[]>>;
  readonly gradients: Readonly<Record<string, number[]>>;
}

interface Fixture {
  readonly forecaster: Reference & {
    readonly window: number;
    readonly horizon: number;
    readonly columns: number;
    readonly hiddenSize: number;
    readonly layers: number;
    readonly attentionHeads: number;
  };
  readonly table: Reference & {
    readonly columns: number;
    readonly hiddenSizes: number[];
    readonly latentSize: number;
  };
}

const fixture: Fixture = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/series/values.json'), 'utf8'));
const named = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);
const scaling = (count: number) => ({ mean: new Array(count).fill(0), deviation: new Array(count).fill(1) });

const { forecaster, table } = fixture;
const cases: [string, Reference, NumbersModel][] = [
  [
    'temporal prediction',
    forecaster,
    forecasterModel({
      ...forecaster,
      kind: 'forecaster',
      columns: named(forecaster.columns),
      ...scaling(forecaster.columns),
    }),
  ],
  [
    'table autoencoder',
    table,
    tableModel({ ...table, kind: 'table-autoencoder', columns: named(table.columns), ...scaling(table.columns) }),
  ],
];

describe.each(cases)('%s agrees with PyTorch', (_, reference, model) => {
  const { batch } = reference;
  const tensorOf = (values: readonly number[], shape: readonly number[]): HostTensor<'float32'> => {
    return { dtype: 'float32', shape, data: Float32Array.from(values) };
  };
  const parameters = Object.fromEntries(
    model.parameters.map(({ name, shape }) => [name, tensorOf(reference.parameters[name] ?? [], shape)]),
  );

  describe.each(engines)('%s', (_engine, engine) => {
    test('predictions', async () => {
      const size = model.inputShape.reduce((a, b) => a * b, 1);
      const values = Float32Array.from(reference.inputs);
      const at = (example: number) => example * size;
      const found: number[] = [];
      const examples = { values, count: batch, inputAt: at, targetAt: at };
      for await (const { prediction } of predictions(engine, model, parameters, examples)) found.push(...prediction);
      expectClose(found, reference.prediction, { quantity: 'predictions', tolerance: 1e-5 });
    });

    test('loss and every gradient', async () => {
      const program = await compileStep(engine, squaredErrorLoss(model, batch));
      const results = await program.run({
        ...parameters,
        inputs: tensorOf(reference.inputs, [batch, ...model.inputShape]),
        targets: tensorOf(reference.targets, [batch, ...model.targetShape]),
      });
      const outputOf = (name: string) => {
        const value = results[name];
        if (!value) throw new Error(`no ${name}`);
        return floatData(value);
      };
      expectClose(outputOf(lossOutput), [reference.loss], { quantity: 'loss', tolerance: 1e-5 });
      expect(Object.keys(reference.gradients).sort()).toEqual(model.parameters.map(({ name }) => name).sort());
      const largest = Math.max(...Object.values(reference.gradients).flat().map(Math.abs));
      for (const [name, expected] of Object.entries(reference.gradients)) {
        // Softmax cancels a bias of the keys: what is left of it is rounding of the others' size.
        const floor = name.endsWith('key.bias') ? largest : 0.01 * largest;
        expectClose(outputOf(gradientOutput(name)), expected, { quantity: 'gradients', name, tolerance: 5e-5, floor });
      }
      await program.dispose();
    });
  });
});
