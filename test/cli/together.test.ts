import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestFolder } from '../data/files.ts';
import { writeBars } from '../data/images/idxFiles.ts';
import { installTfjs } from '../engine/broughtTfjs.ts';
import { expectSameRun } from '../jobs/killedRuns.ts';
import { checkpointsOf, readJson, weightsOf } from '../jobs/runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyClassifier, saveTinyModel, tinyConfig } from '../jobs/tiny.ts';
import { needing } from '../needs.ts';
import { runCommand } from './build.ts';
import { type Launched, type LauncherName, launch, launchEach, runLaunched, until } from './mpi.ts';

const folder = new TestFolder();
let model: string;
let corpus: string;
let whole: string;

/** Fifteen updates of five micro-batches, the last one of each epoch with fewer. */
function adapting(output: string, ...flags: readonly string[]): string[] {
  return [
    ...['adapt', '--model', model, '--corpus', corpus, '--max-length', '32', '--batch-tokens', '640'],
    ...['--accumulation-steps', '5', '--max-steps', '15', '--save-steps', '4', '--eval-steps', '5', '--threads', '1'],
    ...['--learning-rate', '1e-3', '--reduce', 'exact', '--cache', join(folder.path, 'cache')],
    ...[...flags, '--output', output],
  ];
}

beforeAll(async () => {
  await folder.create();
  model = await saveTinyModel(join(folder.path, 'model'));
  corpus = await folder.write('corpus.txt', messages(400).join('\n'));
  whole = join(folder.path, 'whole');
  const { code, stderr } = await runCommand(adapting(whole));
  expect(code, stderr).toBe(0);
});
afterAll(() => folder.remove());

for (const name of ['Open MPI', 'MPICH'] as const satisfies readonly LauncherName[]) {
  needing(name).describe(name, () => {
    /** What does not depend on the library. */
    const once = (title: string, body: () => Promise<void>) => name === 'Open MPI' && test(title, body);
    const place = (what: string) => join(folder.path, `${name === 'MPICH' ? 'mpich' : 'openmpi'}-${what}`);
    /** A run that is disturbed after its first checkpoint; one that came to its end before is begun anew. */
    const disturbed = async (size: number, output: string, disturb: (launched: Launched) => void) => {
      for (;;) {
        const launched = await launch(name, size, adapting(output, '--overwrite'), output);
        await until(launched, () => existsSync(join(output, 'checkpoints', 'step-00000004')));
        disturb(launched);
        const finished = await launched.finished;
        if (!existsSync(join(output, 'model.safetensors'))) return finished;
      }
    };

    for (const size of name === 'MPICH' ? [3] : [2, 3, 4]) {
      test(`${size} processes come to the bits of one`, async () => {
        const output = place(`exact-${size}`);
        // Tokenized by all of them.
        const { code, stdout, stderr } = await runLaunched(name, size, adapting(output, '--no-cache'));
        expect(code, stderr).toBe(0);
        expect(stderr).toContain(`${size} processes on 1 machine by ${name}`);
        expect(stdout.match(/model saved to/g)).toHaveLength(1);
        expectSameRun(output, whole);
      });
    }

    test('added up fast, they come to the weights of one but for rounding', async () => {
      const output = place('fast');
      const { code, stderr } = await runLaunched(name, 2, adapting(output, '--reduce', 'fast'));
      expect(code, stderr).toBe(0);
      const { evalLossAfter: loss, tokens } = readJson(output, 'run.json').result as Record<string, number>;
      const one = readJson(whole, 'run.json').result as Record<string, number>;
      expect(tokens).toBe(one.tokens);
      expect(Math.abs((loss ?? 0) - (one.evalLossAfter ?? 0))).toBeLessThan(1e-4);
      expect(weightsOf(output)).toHaveLength(weightsOf(whole).length);
    });

    test('one that dies ends all, and others go on from the last checkpoint to the same end', async () => {
      const output = place('killed');
      const { code, stderr, stdout } = await disturbed(3, output, (launched) => launched.kill(2, 'SIGKILL'));
      expect(code).not.toBe(0);
      expect(`${stdout}${stderr}`).toMatch(/signal 9|EXIT CODE: 9/);
      expect(existsSync(join(output, 'model.safetensors'))).toBe(false);
      const resumed = await runLaunched(name, 2, adapting(output, '--resume'));
      expect(resumed.code, resumed.stderr).toBe(0);
      expect(resumed.stderr).toMatch(/resumed after step \d/);
      expectSameRun(output, whole);
    });

    test('asked to stop, they save once and say so once; one goes on alone', async () => {
      const output = place('stopped');
      const { code, stderr } = await disturbed(2, output, (launched) => {
        // As mpirun hands it on; MPICH's hands on what stops itself.
        if (name === 'Open MPI') launched.signal('SIGUSR2');
        else launched.kill(1, 'SIGTERM');
      });
      expect(code).toBe(130);
      expect(stderr.match(/error: stopped after step \d+ of 15; saved/g)).toHaveLength(1);
      expect(checkpointsOf(output).length).toBeGreaterThan(0);
      const resumed = await runCommand(adapting(output, '--resume'));
      expect(resumed.code, resumed.stderr).toBe(0);
      expectSameRun(output, whole);
    });

    once('several replace what a run with another network left', async () => {
      const output = place('replaced');
      const other = await saveTinyModel(join(folder.path, 'wider'), { ...tinyConfig, hiddenSize: 48 });
      const left = await runCommand(adapting(output, '--model', other, '--max-steps', '20'));
      expect(left.code, left.stderr).toBe(0);
      const { code, stderr } = await runLaunched(name, 2, adapting(output, '--overwrite'));
      expect(code, stderr).toBe(0);
      expectSameRun(output, whole);
    });

    once('rows of a query are read by one for all', async () => {
      const outputs = [place('query-1'), place('query-2')] as const;
      const query = `SELECT line AS text FROM read_csv('${corpus}', header = false, columns = {'line': 'VARCHAR'}, sep = '\\t')`;
      const reading = (output: string) =>
        adapting(output, '--max-steps', '4').map((word, i, all) =>
          word === '--corpus' ? '--query' : all[i - 1] === '--corpus' ? query : word,
        );
      const one = await runCommand(reading(outputs[0]));
      expect(one.code, one.stderr).toBe(0);
      const two = await runLaunched(name, 2, reading(outputs[1]));
      expect(two.code, two.stderr).toBe(0);
      expectSameRun(outputs[1], outputs[0]);
    });

    once('the other commands come to what they come to alone', async () => {
      const rows = labeledMessages(1300);
      const [train, texts] = [labeledCsv(rows.slice(0, 90)), labeledCsv(rows)];
      const [trainFile, textFile] = [await folder.write('train.csv', train), await folder.write('texts.csv', texts)];
      const images = writeBars(folder.path, 'bars', 60, 8);
      const student = await saveTinyModel(join(folder.path, 'student'));
      const cache = `--threads 1 --cache ${join(folder.path, 'cache')}`;
      const steps = '--max-steps 3 --reduce exact --accumulation-steps 3';
      const places = [place('others-1'), place('others-3')] as const;
      const classifier = join(places[0], 'classifier');
      const mae = '--method mae --patch-size 2 --hidden-size 16 --layers 1 --attention-heads 2 --batch-size 12';
      const commands = (output: string): readonly string[] => [
        `finetune --threads 1 --model ${model} --train ${trainFile} --method finetune --batch-size 24 ${steps} --output ${output}/classifier`,
        `distill ${cache} --teacher ${model} --model ${student} --corpus ${corpus} --batch-tokens 768 ${steps} --output ${output}/student`,
        `image pretrain ${cache} --data ${images} ${mae} ${steps} --output ${output}/images`,
        `evaluate --threads 1 --model ${classifier} --data ${textFile} --json`,
        `evaluate ${cache} --model ${model} --data ${corpus} --json`,
        `predict --threads 1 --model ${classifier} --input ${textFile}`,
        `predict --threads 1 --model ${classifier} --input ${textFile} --scores --output ${output}/labeled.csv`,
        `embed --threads 1 --model ${model} --input ${textFile} --text-column text --output ${output}/vectors.jsonl`,
      ];
      for (const output of places) mkdirSync(output);
      const [alone, together] = places.map((output) => commands(output).map((line) => line.split(' ')));
      for (const [i, words] of (alone ?? []).entries()) {
        const one = await runCommand(words);
        expect(one.code, one.stderr).toBe(0);
        const three = await runLaunched(name, 3, together?.[i] ?? []);
        expect(three.code, three.stderr).toBe(0);
        if (words.includes('--json') || !words.includes('--output')) expect(three.stdout).toBe(one.stdout);
      }
      for (const run of ['classifier', 'student', 'images']) {
        expect(weightsOf(join(places[1], run)).equals(weightsOf(join(places[0], run))), run).toBe(true);
      }
      for (const file of ['labeled.csv', 'vectors.jsonl']) {
        const [one, three] = places.map((output) => readFileSync(join(output, file), 'utf8'));
        expect(three, file).toBe(one);
        expect(one?.trimEnd().split('\n').length).toBe(file.endsWith('.csv') ? 1301 : 1300);
      }
    });

    test('what is wrong for all is said once, and what is wrong for one names it', async () => {
      const output = place('refused');
      const refusal = async (words: readonly string[], size = 3) => {
        const { code, stdout, stderr } = await runLaunched(name, size, words);
        expect(stdout).not.toContain('saved');
        return { code, errors: stderr.match(/^error: .*$/gm) };
      };
      expect(await refusal(adapting(output, '--model', 'nonesuch'))).toEqual({
        code: 2,
        errors: ['error: nonesuch does not exist: give a folder with config.json, model.safetensors and a tokenizer'],
      });
      expect(await refusal(adapting(output, '--corpus', 'nonesuch.txt'))).toMatchObject({
        code: 2,
        errors: [expect.stringContaining('nonesuch.txt')],
      });
      expect(await refusal(['adapt', '--modle', 'x'], 2)).toMatchObject({
        code: 2,
        errors: [expect.stringContaining('--modle')],
      });
      expect(await refusal(['inspect', '--model', model], 2)).toEqual({
        code: 2,
        errors: [
          'error: inspect does not share out its work: start one process, or set BERTUNE_MPI=none to let each do all of it',
        ],
      });
      const one = await launchEach(name, [adapting(output), [...adapting(output), '--nonesuch']]);
      expect(one.code).toBe(2);
      expect(one.stderr).toMatch(/^error: process 1 of 2 on \S+: unknown option '--nonesuch'$/m);
      expect(existsSync(output)).toBe(false);
    });

    test('other settings or data of one are refused by name', async () => {
      const output = place('different');
      const settings = await launchEach(name, [adapting(output), adapting(output, '--seed', '5')]);
      expect(settings.code).toBe(2);
      expect(settings.stderr).toMatch(
        /^error: process 1 on \S+ has other settings than process 0: --seed \(5, there 0\); start all with the same$/m,
      );
      const folders = await Promise.all(
        [7, 8].map(async (seed) => {
          const own = join(folder.path, `${name} ${seed}`);
          await saveTinyModel(join(own, 'model'), { ...tinyConfig, initializerRange: seed / 100 });
          writeFileSync(join(own, 'corpus.txt'), messages(400, seed).join('\n'));
          cpSync(corpus, join(own, 'same.txt'));
          return own;
        }),
      );
      const differing = (...flags: readonly string[]) =>
        launchEach(name, [adapting(output, ...flags), adapting(output, ...flags)], folders);
      const data = await differing('--corpus', 'corpus.txt');
      expect(data.stderr).toMatch(
        /^error: --corpus: process 1 on \S+ reads other files than process 0 on \S+; give all of them the same$/m,
      );
      expect(data.code).toBe(2);
      const weights = await differing('--corpus', 'same.txt', '--model', 'model');
      expect(weights.stderr).toMatch(
        /^error: process 1 on \S+ has other data or weights than process 0: startWeights \(/m,
      );
      expect(weights.code).toBe(2);
      expect(existsSync(output)).toBe(false);
    });

    once('so they are where nothing is trained', async () => {
      const folders = await Promise.all(
        [0, 1].map(async (i) => {
          const own = join(folder.path, `use ${i}`);
          await saveTinyClassifier(join(own, 'classifier'), i === 0 ? ['asks', 'wants'] : ['wants', 'asks']);
          await (i === 0
            ? saveTinyModel(join(own, 'either'))
            : saveTinyClassifier(join(own, 'either'), ['asks', 'wants']));
          writeFileSync(join(own, 'rows.csv'), labeledCsv(labeledMessages(i === 0 ? 300 : 99)));
          installTfjs(own, { wasm: i === 0 });
          return own;
        }),
      );
      const [first = ''] = folders;
      const input = ['--input', join(first, 'rows.csv'), '--text-column', 'text'];
      const [output, model] = [join(first, 'out.jsonl'), join(first, 'classifier')];
      const files = (what: string) =>
        new RegExp(
          `^error: process 1 on \\S+ has other data or weights than process 0: ${what} \\("\\w{16}", there "\\w{16}"\\); give all the same files$`,
        );
      const libraries =
        /^error: process 1 on \S+ has other libraries than process 0: runtime \(".*\(cpu\)", there ".*\(wasm\)"\); install the same everywhere$/;
      const refusals: [string[], RegExp][] = [
        [['predict', '--model', 'classifier', ...input, '--output', output], files('--model')],
        [['embed', '--model', 'classifier', ...input, '--output', output], files('--model')],
        [['evaluate', '--model', 'either', '--data', join(first, 'rows.csv')], files('--model')],
        [['evaluate', '--model', model, '--data', 'rows.csv'], files('--data')],
        [['predict', '--model', model, ...input, '--device', 'tfjs'], libraries],
      ];
      for (const [words, message] of refusals) {
        const { code, stdout, stderr } = await launchEach(name, [words, words], folders);
        expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
        expect(stderr.match(/^error: .*$/gm)).toEqual([expect.stringMatching(message)]);
      }
      expect(existsSync(output)).toBe(false);
      const { code, stderr } = await launchEach(
        name,
        [0, 1].map(() => ['predict', '--model', model, ...input, '--device', 'tfjs']),
        [first, first],
      );
      expect(code, stderr).toBe(0);
      // The share of the cores that a process takes was given by nobody.
      expect(stderr).not.toContain('--threads');
    });

    test('evaluating a language model stops when it is asked to', async () => {
      const texts = await folder.write(`${name} long.txt`, messages(60_000).join('\n'));
      const cache = place('evaluated');
      const words = ['evaluate', '--model', model, '--data', texts, '--threads', '1', '--cache', cache, '--json'];
      const launched = await launch(name, 2, words, cache);
      await until(
        launched,
        () =>
          existsSync(cache) && readdirSync(cache, { recursive: true }).some((each) => String(each).endsWith('.json')),
      );
      if (name === 'Open MPI') launched.signal('SIGUSR2');
      else launched.kill(1, 'SIGTERM');
      const { code, stdout, stderr } = await launched.finished;
      expect({ code, stdout: stdout.includes('perplexity') }, stderr).toEqual({ code: 130, stdout: false });
      expect(stderr).toMatch(/^error: .*stopped before the end$/m);
    });
  });
}
