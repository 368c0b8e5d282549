import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestFolder } from '../data/files.ts';
import { readJson } from '../jobs/runs.ts';
import {
  labeledCsv,
  labeledMessages,
  messages,
  saveTinyClassifier,
  saveTinyModel,
  writeVocabulary,
} from '../jobs/tiny.ts';
import { builtCommand, type Finished, runCommand } from './build.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const base = fileURLToPath(new URL('../../checkpoints/bert-mini-sentences', import.meta.url));

beforeAll(async () => {
  await folder.create();
  await builtCommand();
  await saveTinyModel(at('tiny'));
  await saveTinyClassifier(at('classifier'), ['asks', 'wants']);
  await folder.write('corpus.txt', messages(200).join('\n'));
  await folder.write('labeled.csv', labeledCsv(labeledMessages(60)));
});
afterAll(() => folder.remove());

const run = (line: string, more: readonly string[] = [], input?: string) =>
  runCommand([...line.split(' ').map((word) => word.replaceAll('@', `${folder.path}/`)), ...more], { input });

const adapt = '--max-length 32 --batch-tokens 256 --threads 1 --learning-rate 1e-3';
const finetune = '--method finetune --batch-size 8 --threads 1 --learning-rate 1e-3';

/** One `error: …` line on stderr, nothing on stdout. */
function expectFailure({ code, stdout, stderr }: Finished, status: number, message: string | RegExp): void {
  const errors = stderr.split('\n').filter((line) => line.startsWith('error:'));
  expect(errors.length, stderr).toBe(1);
  expect(errors[0]).toMatch(message);
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(errors[0]);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe('');
  expect(code).toBe(status);
}

describe('results for scripts', () => {
  test('adapt --json: one document on stdout, the rest on stderr', async () => {
    const { code, stdout, stderr } = await run(
      `adapt --model @tiny --corpus @corpus.txt --output @adapted ${adapt} --max-steps 12 --json`,
    );
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout);
    expect(Object.keys(result)).toEqual([
      'evalLossBefore',
      'evalLossAfter',
      'perplexityBefore',
      'perplexityAfter',
      'steps',
      'tokens',
      'tokensPerSecond',
      'output',
    ]);
    expect(result).toMatchObject({ steps: 12, output: at('adapted') });
    expect(result.evalLossAfter).toBeLessThan(result.evalLossBefore);
    expect(result.perplexityAfter).toBeCloseTo(Math.exp(result.evalLossAfter), 6);
    expect(stderr).toContain('step 12/12');
    expect(stderr).toContain('--corpus: 200 texts');
    expect(readdirSync(at('adapted')).sort()).toEqual([
      'README.md',
      'config.json',
      'metrics.jsonl',
      'model.safetensors',
      'pooler.safetensors',
      'report.html',
      'run.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.txt',
    ]);
    expect(readJson(at('adapted', 'run.json'))).toMatchObject({
      command: 'adapt',
      status: 'finished',
      configuration: { maxSteps: 12, maskProbability: 0.15, schedule: 'linear' },
      versions: { bertune: expect.any(String), 'onnxruntime-node': expect.any(String) },
      result,
    });
  });

  test('finetune and evaluate --json agree on names and on the same texts', async () => {
    const tuned = await run(
      `finetune --model @tiny --train @labeled.csv --eval @labeled.csv --output @tuned ${finetune} --epochs 12 --json`,
    );
    expect(tuned.code, tuned.stderr).toBe(0);
    const result = JSON.parse(tuned.stdout);
    const { method, steps: _, tokensPerSecond: __, output: ___, ...measured } = result;
    expect(method).toBe('finetune');
    const names = ['accuracy', 'macroF1', 'loss', 'lossStandardError', 'count', 'labels', 'confusion'];
    expect(Object.keys(measured)).toEqual(names);
    expect(measured).toMatchObject({ accuracy: 1, count: 60, labels: ['asks', 'wants'] });
    const evaluated = await run('evaluate --model @tuned --data @labeled.csv --threads 1 --json');
    const { calibration, ...again } = JSON.parse(evaluated.stdout);
    expect(calibration.count).toBe(60);
    const withoutLoss = { loss: 0, lossStandardError: 0 };
    expect({ ...again, ...withoutLoss }).toEqual({ ...measured, ...withoutLoss });
    expect(again.loss).toBeCloseTo(measured.loss, 5);
  });

  test('finetune tells how the methods did, and which of them take more time than is stated', async () => {
    const line =
      'finetune --model @tiny --reads mean --train @labeled.csv --output @chosen --threads 1 --budget 0.0001';
    const { code, stdout, stderr } = await run(line);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('in about 1 second (--budget)');
    expect(stdout.match(/^(words|frozen|hybrid|finetune|contrastive)\S* .*%/gm)).toHaveLength(3);
    expect(stdout.match(/\(chosen\)/g)).toHaveLength(1);
    for (const method of ['finetune', 'contrastive']) {
      expect(stdout).toMatch(
        new RegExp(`^${method} was not tried: training takes about .*, and the budget is 1 second$`, 'm'),
      );
    }
  });

  test('fill-mask --json', async () => {
    const { code, stdout, stderr } = await run('fill-mask --model @tiny --top-k 3 --json', ['my [MASK] is [MASK] .']);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    const candidate = { token: expect.any(String), tokenId: expect.any(Number), score: expect.any(Number) };
    expect(result).toEqual({
      text: 'my [MASK] is [MASK] .',
      masks: [
        { position: 2, candidates: [candidate, candidate, candidate] },
        { position: 4, candidates: [candidate, candidate, candidate] },
      ],
    });
    expect(stderr).toBe('');
  });

  test('predict writes a JSON line for each text, ids kept, or for each line of standard input', async () => {
    await folder.write('ids.csv', 'id,text\nb7,where is my order\na1,i want my refund\n');
    const { stdout } = await run('predict --model @classifier --input @ids.csv --threads 1');
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const score = expect.any(Number);
    const label = expect.stringMatching(/^(asks|wants)$/);
    expect(rows).toEqual([
      { id: 'b7', text: 'where is my order', label, score },
      { id: 'a1', text: 'i want my refund', label, score },
    ]);
    const piped = await run('predict --model @classifier --threads 1', [], 'where is my order\n\ni want my refund\n');
    const texts = piped.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).text);
    expect(texts).toEqual(['where is my order', '', 'i want my refund']);
  });

  test('predict answers a line of an open pipe before the next one comes', async () => {
    const words = ['predict', '--model', at('classifier'), '--threads', '1'];
    const child = spawn(process.execPath, [await builtCommand(), ...words]);
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    for (const text of ['where is my order', 'i want my refund']) {
      child.stdin.write(`${text}\n`);
      expect(JSON.parse((await answers.next()).value).text).toBe(text);
    }
    child.stdin.end();
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
  });

  test('adapt measures every text of --eval, whose columns are its own', async () => {
    await folder.write(
      'grouped.csv',
      messages(40)
        .map((text, i) => `${i % 8},${text.replaceAll(',', ' ')}`)
        .join('\n')
        .replace(/^/, 'chat,body\n'),
    );
    await folder.write('held.txt', messages(2100, 12).join('\n'));
    const { code, stderr } = await run(
      `adapt --model @tiny --corpus @grouped.csv --text-column body --group-column chat --eval @held.txt --output @grouped ${adapt} --max-steps 1`,
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('--eval: 2,100 texts');
  });

  test('the prompt refuses a model without MLM head, and unknown targets', async () => {
    expectFailure(
      await run('fill-mask --model @classifier', [], 'a [MASK]\n'),
      2,
      /has no MLM head, which fill-mask needs/,
    );
    const { stdout } = await run(
      'fill-mask --model @tiny',
      [],
      '/targets zebras\n/model @classifier\n/quit now\nmore\n'.replaceAll('@', `${folder.path}/`),
    );
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      expect.stringContaining('"zebras" is not one token of the vocabulary'),
      expect.stringContaining('has no MLM head'),
    ]);
    expect(stdout).not.toMatch(/unknown command|no \[MASK\]/);
  });

  test('the prompt answers piped sentences with the base model', async () => {
    const input = '/top 3\nthe capital of france is [MASK].\nno mask here\n/tokens paris\n/quit\n';
    const { code, stdout, stderr } = await run(`fill-mask --threads 1`, ['--model', base], input);
    expect(code, stderr).toBe(0);
    expect(stdout.match(/\d+\.\d %/g)?.length).toBe(3);
    expect(stdout).toContain('type a sentence with [MASK]');
    expect(stdout).toContain('[CLS]');
  });
});

describe('wrong usage: exit code 2, one line', () => {
  const job = (more: string) =>
    `adapt --model @tiny --corpus @corpus.txt --output @new ${adapt} --max-steps 2 ${more}`.trim();
  const tune = (data: string, more = '') =>
    `finetune --model @tiny --train @${data} --output @new ${finetune} ${more}`.trim();

  test.each([
    ['a missing file', `adapt --model @tiny --corpus @none.txt --output @new`, /--corpus: no file at .*none\.txt/],
    ['a missing model folder', 'adapt --model @none --corpus @corpus.txt --output @new', /none does not exist/],
    ['a missing model folder of predict', 'predict --model @none', /none does not exist/],
    [
      'a missing model folder of finetune',
      'finetune --model @none --train @labeled.csv --output @new',
      /none does not exist/,
    ],
    [
      'a missing model folder of embed',
      'embed --model @none --input @corpus.txt --output @v.jsonl',
      /none does not exist/,
    ],
    ['an unknown flag', job('--learnig-rate 1'), /unknown option '--learnig-rate'.*--learning-rate/],
    ['a wrong value', job('--epochs zero'), /--epochs/],
    [
      'a flag where a file belongs',
      'adapt --model @tiny --corpus --output @new',
      /--corpus must be a value, not the next flag/,
    ],
    ['lines without labels', tune('corpus.txt'), /corpus\.txt holds lines of text without labels; give a \.csv/],
    [
      'a file as the model',
      'adapt --model @corpus.txt --corpus @corpus.txt --output @new',
      /corpus\.txt is a file; give the model's folder/,
    ],
    ['a missing option', 'adapt --model @tiny --output @new', /adapt needs --corpus or --query/],
    ['two options that exclude each other', job('--epochs 1'), /give --epochs or --max-steps, not both/],
    [
      'a length over the positions',
      job('').replace('32', '65'),
      /--max-length 65 is over the 64 positions of .*tiny.*use at most 64/,
    ],
    [
      'an update too small for one sequence',
      job('').replace('256', '16'),
      /--batch-tokens 16 holds no sequence.*use at least 32/,
    ],
    [
      'a model folder as output',
      'adapt --model @tiny --corpus @corpus.txt --output @tiny',
      /--output .*tiny is the model that the run reads/,
    ],
    [
      'a model folder as output of finetune',
      'finetune --model @tiny --train @labeled.csv --output @tiny',
      /is the model that the run reads/,
    ],
    ['a file as output', job('').replace('@new', '@corpus.txt'), /corpus\.txt/],
    [
      'a text column that is not there',
      tune('labeled.csv', '--text-column message'),
      /no column.*message.*text.*label/,
    ],
    [
      'a label column that is not there',
      tune('labeled.csv', '--label-column intent'),
      /no column.*intent.*text.*label/,
    ],
    ['fill-mask without a mask', 'fill-mask --model @tiny hello', /no \[MASK\]/],
    [
      'fill-mask of a classifier',
      'fill-mask --model @classifier [MASK]',
      /classifier has no MLM head, which fill-mask needs/,
    ],
    [
      'predict without a classifier',
      'predict --model @tiny --input @corpus.txt',
      /tiny has no classification head, which classification needs/,
    ],
    [
      'an unknown target',
      'fill-mask --model @tiny --targets zebras [MASK]',
      /"zebras" is not one token of the vocabulary/,
    ],
    [
      'an embedding file of unknown kind',
      'embed --model @tiny --input @corpus.txt --output @v.npy',
      /--output: vectors are written to \.parquet or \.jsonl, not to .*v\.npy/,
    ],
  ])('%s', async (_, line, message) => {
    expectFailure(await run(line), 2, message);
    expect(existsSync(at('new'))).toBe(false);
  });

  test('a folder without config.json', async () => {
    await folder.write('config.txt', '');
    expectFailure(
      await run('inspect --model', [folder.path]),
      2,
      /no config\.json in .*: give a folder that transformers or bertune saved/,
    );
  });

  test('a wrong key in the configuration file', async () => {
    await folder.write('run.yaml', 'max-steps: 2\nlearning_rate: 1e-3\n');
    expectFailure(
      await run('adapt --config @run.yaml'),
      2,
      /run\.yaml, line 2: "learning_rate" is no setting of adapt/,
    );
  });
});

describe('files that cannot be used: exit code 1, one line', () => {
  /** A copy of the tiny model with something done to it. */
  const broken = (name: string, change: (copy: string) => void) => {
    cpSync(at('tiny'), at(name), { recursive: true });
    change(at(name));
    return run(`adapt --model @${name} --corpus @corpus.txt --output @new ${adapt} --max-steps 2`);
  };
  const weights = 'model.safetensors';
  const changed = (copy: string, change: (config: Record<string, unknown>) => object) =>
    writeFileSync(join(copy, 'config.json'), JSON.stringify(change(readJson(copy, 'config.json'))));

  test.each([
    ['truncated', (copy: string) => truncateSync(join(copy, weights), 5000), /model\.safetensors/],
    [
      'oversized',
      (copy: string) => {
        const bytes = readFileSync(join(copy, weights));
        bytes.writeBigUInt64LE(2n ** 60n, 0);
        writeFileSync(join(copy, weights), bytes);
      },
      /model\.safetensors.*header/,
    ],
    [
      'wrong-shape',
      (copy: string) => changed(copy, (config) => ({ ...config, hidden_size: 64 })),
      /must be \[\d+, 64\] by config\.json, got \[\d+, 32\]/,
    ],
    [
      'deberta-v2',
      (copy: string) => changed(copy, (config) => ({ ...config, model_type: 'deberta-v2' })),
      /config\.json: model_type is "deberta-v2", and only "bert", /,
    ],
    ['not-json', (copy: string) => writeFileSync(join(copy, 'config.json'), '{'), /config\.json is no JSON/],
  ])('%s', async (name, change, message) => {
    expectFailure(await broken(name, change), 1, message);
    expect(existsSync(at('new'))).toBe(false);
  });

  test.each([
    ['empty.txt', '', /--corpus.*empty\.txt|--corpus holds no text/],
    ['blank.txt', '\n\n \n', /--corpus/],
    ['unknown.txt', '☃\n☃ ☃\n', /--corpus has no token that may be masked \(2 texts/],
  ])('a corpus without a token to mask: %s', async (name, content, message) => {
    await folder.write(name, content);
    expectFailure(await run(`adapt --model @tiny --corpus @${name} --output @new ${adapt}`), 1, message);
    expect(existsSync(at('new'))).toBe(false);
  });

  test('an unseen label at evaluation', async () => {
    await folder.write(
      'unseen.csv',
      labeledCsv([
        { text: 'where is it', label: 'asks' },
        { text: 'bye', label: 'leaves' },
      ]),
    );
    expectFailure(
      await run('evaluate --model @classifier --data @unseen.csv'),
      1,
      /--data: label "leaves" in row 2 was not seen in training; known labels: asks, wants/,
    );
    const tuned = await run(`finetune --model @tiny --train @labeled.csv --eval @unseen.csv --output @new ${finetune}`);
    expectFailure(tuned, 1, /--eval: label "leaves" in row 2 was not seen in training/);
    expect(existsSync(at('new'))).toBe(false);
  });

  test('labels of one class only', async () => {
    await folder.write('one.csv', labeledCsv(messages(9).map((text) => ({ text, label: 'a' }))));
    const tuned = await run(`finetune --model @tiny --train @one.csv --output @new ${finetune}`);
    expectFailure(tuned, 1, /--train has one label only \(a\); a classifier needs at least two/);
  });
});

describe('data that is used with a word about it', () => {
  test('a class with one example', async () => {
    await folder.write('rare.csv', labeledCsv([...labeledMessages(30), { text: 'close my account', label: 'leaves' }]));
    const { code, stdout, stderr } = await run(
      `finetune --model @tiny --train @rare.csv --output @rare ${finetune} --max-steps 3 --json`,
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('1 class with one example cannot be held out and only train: leaves');
    expect(JSON.parse(stdout).labels).toEqual(['asks', 'leaves', 'wants']);
  });

  test('texts over the limit: said once, with their number', async () => {
    const rows = labeledMessages(30).map(({ text, label }, i) => ({
      text: i < 4 ? `${text} `.repeat(9) : text,
      label,
    }));
    await folder.write('long.csv', labeledCsv(rows));
    const tuned = await run(
      `finetune --model @tiny --train @long.csv --output @long ${finetune} --max-length 24 --max-steps 2`,
    );
    expect(tuned.code, tuned.stderr).toBe(0);
    expect(tuned.stderr.match(/truncated/g)).toEqual(['truncated']);
    expect(tuned.stderr).toContain('4 texts longer than 24 tokens truncated');
    const long = `${'order '.repeat(80)}\n`;
    await folder.write('long.txt', long.repeat(3) + 'short one\n'.repeat(1100) + long.repeat(2));
    const predicted = await run('predict --model @classifier --input @long.txt --threads 1');
    expect(predicted.stdout.split('\n').length).toBe(1106);
    expect(predicted.stderr).toBe('5 texts longer than 64 tokens truncated\n');
    const adapted = await run(`adapt --model @tiny --corpus @long.txt --output @long-adapted ${adapt} --max-steps 1`);
    expect(adapted.stderr.match(/truncated/g)).toEqual(['truncated']);
    expect(adapted.stderr).toContain('5 texts longer than 32 tokens: not truncated but split');
  });

  test('invalid UTF-8: counted and replaced', async () => {
    const bytes = Buffer.from(messages(50).join('\n'));
    bytes[3] = 0xff;
    bytes[200] = 0xfe;
    await folder.write('invalid.txt', bytes);
    const { code, stderr } = await run(
      `adapt --model @tiny --corpus @invalid.txt --output @invalid ${adapt} --max-steps 1`,
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('2 invalid UTF-8 byte sequences in --corpus replaced by U+FFFD');
    const predicted = await run('predict --model @classifier --input @invalid.txt --threads 1');
    expect(predicted.stdout).toContain('\ufffd');
  });
});

describe('the output folder', () => {
  test('refuses another run, continues it with --resume, replaces it with --overwrite', async () => {
    const line = `adapt --model @tiny --corpus @corpus.txt --output @taken ${adapt} --max-steps 3 --json`;
    const first = await run(line);
    expect(first.code, first.stderr).toBe(0);
    const files = () => readdirSync(at('taken')).map((name) => [name, readFileSync(at('taken', name), 'latin1')]);
    const before = files();
    expectFailure(
      await run(line),
      2,
      /taken holds another run; continue it with --resume, replace it with --overwrite/,
    );
    const resumed = await run(`${line} --resume`);
    expect(resumed).toMatchObject({ code: 0, stdout: first.stdout });
    expect(resumed.stderr).toBe(`the run in ${at('taken')} is finished; this is its result\n`);
    expect(files()).toEqual(before);
    const replaced = await run(`${line} --overwrite --seed 3`);
    expect(replaced.code).toBe(0);
    expect(JSON.parse(replaced.stdout).evalLossAfter).not.toBe(JSON.parse(first.stdout).evalLossAfter);
    expectFailure(await run(`${line} --overwrite --resume`), 2, /give --resume or --overwrite, not both/);
  });

  test('refuses a folder with other files', async () => {
    await folder.write('notes.md', 'mine');
    expectFailure(
      await run(`adapt --model @tiny --corpus @corpus.txt ${adapt} --output`, [folder.path]),
      2,
      /holds other files; choose an empty or new folder for --output/,
    );
  });

  test('a run that diverges says at which step and keeps the last good checkpoint', async () => {
    const line = `adapt --model @tiny --corpus @corpus.txt --output @diverged ${adapt} --max-steps 50 --save-steps 1 --keep-checkpoints 9`;
    const failed = await run(line.replace('1e-3', '1e30'));
    expectFailure(
      failed,
      1,
      /training diverged at step \d+: the loss is (NaN|Infinity); start anew with a learning rate below 1e\+30/,
    );
    const step = Number(/at step (\d+)/.exec(failed.stderr)?.[1]);
    const kept = readdirSync(at('diverged', 'checkpoints'));
    expect(kept.length).toBe(step - 2);
    if (kept.length > 0)
      expect(failed.stderr).toContain(
        `the last good checkpoint is ${at('diverged', 'checkpoints', kept.at(-1) ?? '')}`,
      );
    expect(existsSync(at('diverged', 'model.safetensors'))).toBe(false);
  });

  test('Ctrl-C finishes the step, saves, and --resume ends as if nothing had happened', async () => {
    const line = `adapt --model @tiny --corpus @corpus.txt --output @stopped ${adapt} --max-steps 120 --json`;
    const stopped = await interruptAfter(line, 'step 12/120');
    expectFailure(
      stopped,
      130,
      /stopped after step \d+ of 120; saved .*checkpoints.*; run the same command with --resume to go on/,
    );
    expect(stopped.stderr).toContain('stopping after this step and saving; press Ctrl-C again to exit at once');
    expect(readdirSync(at('stopped', 'checkpoints')).length).toBe(1);
    expect(existsSync(at('stopped', 'config.json'))).toBe(false);
    const resumed = await run(`${line} --resume`);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toMatch(/resumed after step \d+/);
    const whole = await run(line.replace('@stopped', '@unstopped'));
    const timeless = ({ stdout }: Finished) => ({ ...JSON.parse(stdout), tokensPerSecond: 0, output: '' });
    expect(timeless(resumed)).toEqual(timeless(whole));
    expect(
      readFileSync(at('stopped', 'model.safetensors')).equals(readFileSync(at('unstopped', 'model.safetensors'))),
    ).toBe(true);
  });

  test('Ctrl-C while finetune chooses its method leaves nothing behind', async () => {
    const line =
      'finetune --model @tiny --reads mean --train @labeled.csv --output @choosing --threads 1 --max-steps 9000 --budget 600';
    const stopped = await interruptAfter(line, 'chooses the method on folds of the training texts');
    expectFailure(stopped, 130, /^error: stopped before (the end|the first step; there was nothing to save yet)$/);
    expect(existsSync(at('choosing'))).toBe(false);
  });

  test('Ctrl-C during an evaluation says that it stopped', async () => {
    await folder.write('many.txt', messages(30_000).join('\n'));
    const stopped = await interruptAfter('evaluate --model @tiny --data @many.txt --threads 1', '--data: 30,000 texts');
    expectFailure(stopped, 130, /^error: stopped before the end$/);
    expect(stopped.stderr).toContain('stopping; press Ctrl-C again to exit at once');
  });

  test('pretrain starts from a configuration and a vocab.txt', async () => {
    writeVocabulary(at('vocabulary'));
    cpSync(at('tiny', 'config.json'), at('shape.json'));
    const { code, stdout, stderr } = await run(
      `pretrain --model-config @shape.json --tokenizer @vocabulary --corpus @corpus.txt --output @pretrained ${adapt} --max-steps 3 --whole-word --json`,
    );
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ steps: 3, output: at('pretrained') });
    const inspected = JSON.parse((await run('inspect --model @pretrained --json')).stdout);
    expect(inspected).toMatchObject({ heads: ['mlmHead'], layers: 2, hiddenSize: 32, labels: null });
  });
});

/** Sends SIGINT once `text` shows up on stderr. */
async function interruptAfter(line: string, text: string): Promise<Finished> {
  const words = line.split(' ').map((word) => word.replaceAll('@', `${folder.path}/`));
  const child = spawn(process.execPath, [await builtCommand(), ...words]);
  let [stdout, stderr, sent] = ['', '', false];
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
    if (sent || !stderr.includes(text)) return;
    sent = true;
    child.kill('SIGINT');
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}
