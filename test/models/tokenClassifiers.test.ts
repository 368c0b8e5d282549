import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { saveText } from '../../src/hub/saveText.ts';
import { loadText } from '../../src/hub/textFolder.ts';
import { familyTypes } from '../../src/models/text/families.ts';
import { asTensors } from '../../src/nn/parameters.ts';
import { TextInference } from '../../src/tasks/text/inference.ts';
import { expectClose } from '../parity.ts';
import { temporaryFolder } from '../temporary.ts';
import { readTensors } from './fixtures.ts';

const folder = join(import.meta.dirname, '..', 'fixtures', 'tagging', 'families');
const expected: Readonly<Record<string, { ids: number[]; logits: number[] }>> = JSON.parse(
  readFileSync(join(folder, 'expected.json'), 'utf8'),
);

test('there is a reference for every family', () => {
  expect(Object.keys(expected).sort()).toEqual([...familyTypes].sort());
});

describe.each(Object.entries(expected))('token classifier of %s', (type, { ids, logits }) => {
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
});
