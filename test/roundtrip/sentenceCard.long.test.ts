import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { labeledCsv, labeledMessages } from '../jobs/tiny.ts';
import { needing, python } from '../needs.ts';
import { folderNamed } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';

needing('python').describe("the Python of a classifier's card", () => {
  test.each(['normalize', 'prompts', 'dense-two', 'pooling-cls', 'max-seq-length-16', 'plain'])(
    'on %s: the labels of classify, scores to 1e-5',
    async (name) => {
      const folder = temporaryFolder();
      const [data, output] = [join(folder, 'labels.csv'), join(folder, 'intent')];
      writeFileSync(data, labeledCsv(labeledMessages(80)));
      await finetune({
        ...{ model: folderNamed(name), train: { files: [data] }, output, reads: name === 'plain' ? 'mean' : undefined },
        ...{ method: 'finetune', threads: 1, maxSteps: 120, batchSize: 8, learningRate: 1e-2, evalFraction: 0.3 },
      });
      const asked = labeledMessages(30, 3).map(({ text }) => text);
      const model = await loadModel(output, { threads: 1 });
      const expected = await model.classify(asked);
      await model.dispose();
      expect(new Set(expected.map(({ label }) => label)).size, 'labels that occur').toBe(2);

      const card = readFileSync(join(output, 'README.md'), 'utf8');
      const [, snippet = ''] = /```python\n([\s\S]*?)\n```/.exec(card) ?? [];
      const script = snippet
        .replace('path/or/name/of/this/model', output)
        .replace(/texts = \[.*\]/, `texts = ${JSON.stringify(asked)}`)
        .replace(/^print\((.+)\)$/m, 'import json; print(json.dumps($1))');
      const printed = execFileSync(python, ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      const found: [string, number][] = JSON.parse(printed.trim().split('\n').at(-1) ?? '');
      expect(found.map(([label]) => label)).toEqual(expected.map(({ label }) => label));
      for (const [i, [, score]] of found.entries()) {
        expect(Math.abs(score - (expected[i]?.score ?? 0))).toBeLessThan(1e-5);
      }
    },
  );
});
