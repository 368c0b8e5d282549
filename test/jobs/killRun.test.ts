import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtCommand } from '../cli/build.ts';
import { TestFolder } from '../data/files.ts';
import { repetitions } from '../repetitions.ts';
import { expectKillsChangeNothing } from './killing.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (name: string) => join(folder.path, name);
const mostKills = repetitions(6, 60);

beforeAll(async () => {
  await folder.create();
  await builtCommand();
  await saveTinyModel(at('tiny'));
  await folder.write('corpus.txt', messages(300).join('\n'));
  await folder.write('labeled.csv', labeledCsv(labeledMessages(150)));
});
afterAll(() => folder.remove());

const common = '--learning-rate 1e-3 --seed 5 --accumulation-steps 2 --keep-checkpoints 99';
const commands = {
  adapt: `adapt --model @tiny --corpus @corpus.txt --max-length 32 --batch-tokens 256 --epochs 10 --threads 2 ${common}`,
  finetune: `finetune --method finetune --model @tiny --train @labeled.csv --batch-size 8 --epochs 10 --threads 1 ${common}`,
};
const training = {
  adapt: '--eval-steps 17 --save-steps 2 --patience 50',
  finetune: '--eval-steps 20 --save-steps 3 --patience 50',
};

test.each(['adapt', 'finetune'] as const)(
  '%s killed at random moments and resumed ends as if never stopped',
  async (name) => {
    const words = (output: string) =>
      `${commands[name]} ${training[name]} --output ${output}`.replaceAll('@', `${folder.path}/`).split(' ');
    const kills = await expectKillsChangeNothing(words, at(name), { mostKills, stepsBetween: repetitions(12, 4) });
    expect(kills).toBeGreaterThanOrEqual(3);
    if (process.env.BERTUNE_REPORT) process.stdout.write(`${name}: killed ${kills} times, ended as if never stopped\n`);
  },
);
