import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { sizeOf } from '../../src/core/tensor.ts';
import { saveText } from '../../src/hub/saveText.ts';
import { type ExportOptions, exportModel } from '../../src/jobs/exportModel.ts';
import { loadModel } from '../../src/jobs/model.ts';
import type { PartName } from '../../src/models/text/heads/head.ts';
import type { TextModel } from '../../src/models/text/model.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { builtCommand, runCommand } from '../cli/build.ts';
import { needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { messages, randomValues, saveTinyClassifier, saveTinyModel, tinyConfig, tinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);

beforeAll(async () => {
  await saveTinyModel(at('model'));
  await saveTinyClassifier(at('classifier'), ['asks', 'wants']);
});

describe('what is written', () => {
  test('a classifier, in the layout of transformers.js', async () => {
    const result = await exportModel({ model: at('classifier'), output: at('made', 'for', 'it') });
    expect(result).toMatchObject({ task: 'text-classification', compared: 32 });
    expect(result.files.map(({ dtype, file }) => [dtype, file])).toEqual([
      ['fp32', 'onnx/model.onnx'],
      ['fp16', 'onnx/model_fp16.onnx'],
      ['q8', 'onnx/model_quantized.onnx'],
    ]);
    const names = ['config.json', 'onnx', 'tokenizer.json', 'tokenizer_config.json', 'vocab.txt'];
    expect(readdirSync(at('made', 'for', 'it')).sort()).toEqual(names);
    expect(readdirSync(at('made', 'for', 'it', 'onnx'))).toHaveLength(3);
    expect(readJson(at('made', 'for', 'it', 'config.json'))).toMatchObject({
      architectures: ['BertForSequenceClassification'],
      id2label: { 0: 'asks', 1: 'wants' },
    });
    expect(readJson(at('made', 'for', 'it', 'tokenizer_config.json'))).toMatchObject({
      tokenizer_class: 'BertTokenizer',
      model_max_length: tinyConfig.maxPositions,
    });
    const [full, half] = result.files;
    expect(full?.largestDifference).toBeLessThan(1e-5);
    expect(full?.agreement).toBe(1);
    expect(half?.bytes).toBeLessThan(0.65 * (full?.bytes ?? 0));
  });

  test('the head decides the task; a task that is asked for wins', async () => {
    const words = await exportModel({ model: at('model'), output: at('words'), dtypes: ['fp32'] });
    expect(words.task).toBe('fill-mask');
    const vectors = {
      model: at('model'),
      output: at('vectors'),
      dtypes: ['fp32'],
      task: 'feature-extraction',
    } as const;
    expect(await exportModel(vectors)).toMatchObject({ task: 'feature-extraction', files: [{ agreement: null }] });
    expect(readJson(at('vectors', 'config.json'))).toMatchObject({
      architectures: ['BertModel'],
      'transformers.js_config': { dtype: 'fp32' },
    });
  });

  test('it is compared on texts that are given', async () => {
    writeFileSync(at('texts.txt'), messages(40).join('\n'));
    const options = { model: at('classifier'), output: at('on-texts'), input: { files: [at('texts.txt')] } };
    expect((await exportModel(options)).compared).toBe(40);
  });

  test('an untied decoder, one token type, another activation', async () => {
    const config = { ...tinyConfig, tiedDecoder: false, tokenTypes: 1, activation: 'gelu_new' } as const;
    await saveTinyModel(at('untied'), config);
    const { files } = await exportModel({ model: at('untied'), output: at('untied-export') });
    expect(files[0]?.largestDifference).toBeLessThan(1e-5);
  });
});

describe('what is refused leaves nothing', () => {
  const refused: [string, () => ExportOptions, string][] = [
    [
      'a task without its head',
      () => ({ model: at('model'), output: at('new'), task: 'text-classification' }),
      'model has no classification head, which text-classification needs; it has an MLM head and a pooler: choose another task or model',
    ],
    [
      'a classifier as a language model',
      () => ({ model: at('classifier'), output: at('new'), task: 'fill-mask' }),
      'classifier has no MLM head, which fill-mask needs; it has a pooler and a classification head: choose another task or model',
    ],
    ['a model that is not there', () => ({ model: at('none'), output: at('new') }), 'none does not exist'],
    [
      'the model itself as output',
      () => ({ model: at('model'), output: at('model') }),
      'model is the model itself; choose another folder',
    ],
    [
      'a folder with other files',
      () => ({ model: at('model'), output: at('classifier'), overwrite: true }),
      'classifier holds other files (model.safetensors); choose an empty or new folder for output',
    ],
    [
      'a file as output',
      () => ({ model: at('model'), output: at('model', 'vocab.txt') }),
      'vocab.txt is not a folder; choose another path',
    ],
    [
      'a dtype that there is not',
      () => ({ model: at('model'), output: at('new'), dtypes: ['q4' as 'q8'] }),
      'dtypes[0] must be fp32, fp16 or q8, got "q4"',
    ],
    [
      'texts that are none',
      () => ({ model: at('model'), output: at('new'), input: { files: [at('empty.txt')] } }),
      'empty.txt is empty',
    ],
  ];

  test.each(refused)('%s', async (_, options, message) => {
    writeFileSync(at('empty.txt'), '\n');
    await expect(exportModel(options())).rejects.toThrow(message);
    expect(existsSync(at('new'))).toBe(false);
  });

  test('more than the 2 GiB of an ONNX file, before anything is computed; a sparse file stands for the weights', async () => {
    const vocabularySize = 2 ** 25;
    await sparseModel(at('large'), tinyModel({ vocabularySize }), ['encoder', 'mlmHead']);
    const options: ExportOptions = { model: at('large'), output: at('new') };
    // 2 ** 25 rows of 32, the bias of the decoder, and next to nothing else.
    const size = (4 * 33 * vocabularySize) / 1e9;
    await expect(exportModel(options)).rejects.toThrow(
      new UsageError(
        `onnx/model.onnx would have ${size.toFixed(1)} GB, and ONNX files hold 2 GiB (2.1 GB) at most: leave it out with dtypes fp16,q8`,
      ),
    );
    await expect(exportModel({ ...options, dtypes: ['fp16'] })).rejects.toThrow(
      `onnx/model_fp16.onnx would have ${(size / 2).toFixed(1)} GB`,
    );
    expect(existsSync(at('new'))).toBe(false);
  });

  test('weights that are more than the memory', async () => {
    await sparseModel(at('huge'), tinyModel({ vocabularySize: 2 ** 30 }), ['encoder']);
    await expect(loadModel(at('huge'))).rejects.toThrow(/takes? 137\.\d GB of memory/);
  });

  test('an export that is there, unless it is to be replaced', async () => {
    const options: ExportOptions = { model: at('model'), output: at('twice') };
    await exportModel(options);
    await expect(exportModel(options)).rejects.toThrow(
      'twice holds another export; replace it with overwrite, or choose another output',
    );
    await exportModel({ ...options, dtypes: ['q8'], overwrite: true });
    expect(readdirSync(at('twice', 'onnx'))).toEqual(['model_quantized.onnx']);
  });

  test('numbers that float16 cannot hold', async () => {
    const model = tinyModel();
    const values = randomValues(model, ['encoder', 'mlmHead']);
    // Times zero it does nothing, unless it became infinite.
    values.get('encoder.1.feedForward.up.bias')?.fill(1e6, 0, 1);
    const down = values.get('encoder.1.feedForward.down.weight') ?? new Float32Array();
    for (let i = 0; i < down.length; i += tinyConfig.intermediateSize) down[i] = 0;
    mkdirSync(at('wide'));
    cpSync(at('model', 'vocab.txt'), at('wide', 'vocab.txt'));
    const tokenizerFiles = loadTokenizer(at('wide')).files();
    await saveText(at('wide'), { model, head: 'maskedLm', values, tokenizerFiles });
    await expect(exportModel({ model: at('wide'), output: at('half') })).rejects.toThrow(
      'the fp16 export differs from the trained model by numbers it cannot hold',
    );
    expect(existsSync(at('half'))).toBe(false);
  });

  test('an interrupted one', async () => {
    const stop = new AbortController();
    const hooks = { signal: stop.signal, onEvent: () => stop.abort() };
    const options = { model: at('classifier'), output: at('stopped') };
    await expect(exportModel(options, hooks)).rejects.toThrow('stopped before the end');
    expect(existsSync(at('stopped'))).toBe(false);
  });

  needing('disks of its own').test('a full disk', async () => {
    const command = await builtCommand();
    const words = [process.execPath, command, 'export', '--model', at('classifier'), '--output', at('disk', 'x')];
    const script = `mkdir -p ${at('disk')} && mount -t tmpfs -o size=64k tmpfs ${at('disk')} && "$@"; code=$?; ls -A ${at('disk')}; exit $code`;
    const { status, stderr, stdout } = spawnSync('unshare', ['-rm', 'sh', '-c', script, 'sh', ...words], {
      encoding: 'utf8',
    });
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /^error: no space left on the disk of .*: free some and run again$/,
    );
    expect([status, stdout]).toEqual([1, '']);
  });
});

describe('the command', () => {
  test('--json is one document', async () => {
    const words = ['--model', at('classifier'), '--output', at('by-command'), '--dtype', 'q8,fp32', '--json'];
    const { code, stdout } = await runCommand(['export', ...words]);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(Object.keys(result)).toEqual(['task', 'compared', 'files', 'output']);
    expect(result.files.map(({ dtype }: { dtype: string }) => dtype)).toEqual(['fp32', 'q8']);
  });

  test.each([
    ['--dtype int8', '--dtype must be fp32, fp16 or q8, got "int8"'],
    ['--task sentiment', '--task must be fill-mask, text-classification or feature-extraction, got "sentiment"'],
  ])('refuses %s', async (words, message) => {
    const line = ['export', '--model', at('model'), '--output', at('refused'), ...words.split(' ')];
    const { code, stdout, stderr } = await runCommand(line);
    expect(stderr).toBe(`error: ${message}\n`);
    expect([code, stdout]).toEqual([2, '']);
  });
});

/** A model folder whose weights are a header and no bytes that take room on the disk. */
async function sparseModel(path: string, model: TextModel, parts: readonly PartName[]): Promise<void> {
  cpSync(at('model'), path, { recursive: true });
  const raw = { ...(readJson(join(path, 'config.json')) as object), vocab_size: model.config.vocabularySize };
  writeFileSync(join(path, 'config.json'), JSON.stringify(raw));
  let end = 0;
  const entries = model.parameters(parts).map(({ name, shape }) => {
    const start = end;
    end += 4 * sizeOf(shape);
    return [model.names.written(name)[0], { dtype: 'F32', shape, data_offsets: [start, end] }];
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(join(path, 'model.safetensors'), Buffer.concat([prefix, json]));
  truncateSync(join(path, 'model.safetensors'), 8 + json.length + end);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
