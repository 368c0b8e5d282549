import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { saveText } from '../../src/hub/saveText.ts';
import { loadText } from '../../src/hub/textFolder.ts';
import { familyTypes } from '../../src/models/text/families.ts';
import { asTensors } from '../../src/nn/parameters.ts';
import { inputName, objectiveGraph } from '../../src/tasks/text/graph.ts';
import { TextInference } from '../../src/tasks/text/inference.ts';
import { tokenLabels } from '../../src/tasks/text/objectives/tokenLabels.ts';
import { compileStep, gradientOutput, lossOutput } from '../../src/train/programs.ts';
import { expectClose } from '../parity.ts';
import { temporaryFolder } from '../temporary.ts';
import { dataOf, nameAmong, parameterTensors, placeBatch, readTensors } from './fixtures.ts';

const folder = join(import.meta.dirname, '..', 'fixtures', 'tagging', 'families');
interface Expected {
  readonly ids: readonly number[];
  readonly logits: readonly number[];
  readonly sequences: readonly (readonly number[])[];
  /** Sequence, place and tag of what is asked. */
  readonly tagged: readonly (readonly [number, number, number])[];
}
const expected: Readonly<Record<string, Expected>> = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));

test('there is a reference for every family', () => {
  expect(Object.keys(expected).sort()).toEqual([...familyTypes].sort());
});

describe.each(Object.entries(expected))('token classifier of %s', (type, { ids, logits, sequences, tagged }) => {
  test('loads whole, makes the logits of transformers, and is saved as it was', async () => {
    const notes: string[] = [];
    const loaded = await loadText(join(folder, type), { head: 'tokenLabels', onNote: (note) => notes.push(note) });
    expect(notes).toEqual([]);
    const { model, values } = loaded;
    expect(loaded.heads).toEqual(['tokenLabels', 'pooled']);
    expect(model.config.labels).toEqual(['O', 'B-A', 'I-A']);
    const parameters = asTensors(values, model.parameters(model.partsOf('tokenLabels')));
    const frame = { before: [], after: [], pad: 0, size: 0 };
    const inference = new TextInference(onnxEngine({ threads: 1 }), model, frame, parameters);
    const found = ids.map(() => new Float32Array(0));
    const text = { ids, positions: ids.map((_, i) => i) };
    // Twice in one block: neither sees the other.
    await inference.ofPlaces('tokenLabels', [text, text], (_, place, row) => {
      found[place] = row.slice();
    });
    await inference.dispose();
    expectClose(
      found.flatMap((row) => [...row]),
      logits,
      { quantity: 'tag logits', tolerance: 1e-5 },
    );
    const again = temporaryFolder();
    await saveText(again, { model, head: 'tokenLabels', raw: loaded.raw, values, tokenizerFiles: new Map() });
    const [before, after] = await Promise.all(
      [join(folder, type), again].map((each) => readTensors(join(each, 'model.safetensors'))),
    );
    expect([...(after?.keys() ?? [])].sort()).toEqual([...(before?.keys() ?? [])].sort());
    for (const [name, data] of before ?? []) expect(after?.get(name), name).toEqual(data);
    const config = JSON.parse(readFileSync(join(again, 'config.json'), 'utf8'));
    expect(config.architectures).toEqual(
      JSON.parse(readFileSync(join(folder, type, 'config.json'), 'utf8')).architectures,
    );
  });

  // Three texts of unlike lengths: one a row with padding, and all in one row, where neither may see another.
  test.each([
    ['padded', [[0], [1], [2]], 13],
    ['packed', [[2, 0, 1]], 27],
  ] as const)('loss and every gradient as in PyTorch, %s', async (_, layout, width) => {
    const { model, values } = await loadText(join(folder, type), { head: 'tokenLabels' });
    const reference = await readTensors(join(folder, type, 'training.safetensors'));
    const placed = placeBatch({ sequences, predicted: [], classes: [] }, layout, width);
    const graph = objectiveGraph(model, tokenLabels(), placed, { tags: tagged.length }, { training: false });
    const integers = (data: number[]) =>
      ({ dtype: 'int32', shape: [data.length], data: Int32Array.from(data) }) as const;
    const engine = onnxEngine({ threads: 1 });
    const program = await compileStep(engine, graph);
    const found = await program.run({
      ...parameterTensors(model.parameters(model.partsOf('tokenLabels')), values),
      ...placed.inputs,
      [inputName('tags', 'rows')]: integers(tagged.map(([sequence, place]) => (placed.starts[sequence] ?? 0) + place)),
      [inputName('tags', 'targets')]: integers(tagged.map(([, , tag]) => tag)),
      [inputName('tags', 'weights')]: {
        ...{ dtype: 'float32', shape: [tagged.length] },
        data: Float32Array.from(tagged, () => 1),
      },
    });
    await program.dispose();
    expectClose(dataOf(found, lossOutput), reference.get('loss'), { quantity: 'tag loss', tolerance: 1e-5 });
    const stored = new Set([...reference.keys()].flatMap((key) => /^gradient\/(.*)$/.exec(key)?.[1] ?? []));
    const compared = new Set<string>();
    for (const name of graph.parameters.keys()) {
      const own = nameAmong(stored, model, name);
      compared.add(own);
      expectClose(dataOf(found, gradientOutput(name)), reference.get(`gradient/${own}`), {
        ...{ quantity: 'tag gradients', name: `gradient of ${name}`, tolerance: 5e-5, floor: 0.1 },
      });
    }
    expect(compared).toEqual(stored);
  });
});
