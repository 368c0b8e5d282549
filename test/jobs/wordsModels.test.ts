import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NewerFormatError } from '../../src/core/document.ts';
import { BertuneError, messageOf, UsageError } from '../../src/core/errors.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { fetchModel } from '../../src/hub/fetchModel.ts';
import { pushModel } from '../../src/hub/push.ts';
import { saveText } from '../../src/hub/saveText.ts';
import { hubSettings } from '../../src/hub/settings.ts';
import { loadWordsAlone, loadWordsPart, saveWords, saveWordsPart } from '../../src/hub/wordsFolder.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { modelFacts, wordsModelFacts, wordsUseOf } from '../../src/jobs/baseFacts.ts';
import { cardOf } from '../../src/jobs/cardText.ts';
import { embed } from '../../src/jobs/embed.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel, openModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { push } from '../../src/jobs/push.ts';
import type { ModelFacts, RunRecord } from '../../src/jobs/runRecord.ts';
import type { ClassificationResult, Prediction } from '../../src/jobs/types.ts';
import type { createServer as CreateServer } from '../../src/server/server.ts';
import { fitWords } from '../../src/tasks/words/fitWords.ts';
import type { WordsModel } from '../../src/tasks/words/wordsModel.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { builtCommand } from '../cli/build.ts';
import { runInProcess } from '../cli/terminal.ts';
import { addRepository, type HubServer, startHub } from '../hub/hubServer.ts';
import { folderNamed } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { randomValues, tinyModel, writeVocabulary } from './tiny.ts';

/** Classifiers on words, alone and beside a network, through every verb. */

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const labels = ['cancel', 'refund', 'track', 'other'];
const weight = 0.75;
const texts = [
  ...['cancel my order please', 'i want to cancel', 'please cancel the delivery'],
  ...['i want my money back', 'refund the item please', 'a refund, please'],
  ...['where is my parcel', 'track my order', 'where is the parcel now'],
  ...['how do i change the password', 'my card does not work', 'hello'],
];
const asked = ['cancel it', 'where is it?', 'Geld zurück', '', 'a refund of my order'];
let words: WordsModel;

beforeAll(async () => {
  ({ model: words } = await fitWords({
    ...{ engine: onnxEngine({ threads: 1 }), texts, labels: texts.map((_, i) => Math.floor(i / 3)) },
    ...{ classes: 4, folds: texts.map((_, i) => i % 3), cs: [10] },
  }));
  await saveWords(at('alone'), { kind: 'oneLabel', weights: words.weights, labels });
  cpSync(folderNamed('classifier'), at('sentences'), { recursive: true });
  await saveWordsPart(at('sentences'), { weights: words.weights, weight });
  const model = tinyModel({ labels });
  const tokenizer = loadTokenizer(writeVocabulary(at('tiny')));
  const values = randomValues(model, ['encoder', 'pooler', 'classifier']);
  const saved = { model, head: 'oneLabel', values, tokenizerFiles: tokenizer.files() } as const;
  await saveText(at('tiny'), saved);
  await saveText(at('hybrid'), { ...saved, words: { weights: words.weights, weight } });
  writeFileSync(
    at('labeled.csv'),
    `text,label\n${texts.map((text, i) => `"${text}",${labels[Math.floor(i / 3)]}`).join('\n')}\n`,
  );
  writeFileSync(at('texts.txt'), asked.filter((text) => text !== '').join('\n'));
});

/** Probabilities [labels] of the texts that were asked. */
async function probabilities(path: string): Promise<number[][]> {
  const model = await openModel(path, { threads: 1 });
  try {
    const rows = await model.scores(asked);
    return rows.map((row) => labels.map((label) => row.find((one) => one.label === label)?.score ?? Number.NaN));
  } finally {
    await model.dispose();
  }
}

function expectClose(found: readonly number[][], expected: readonly ArrayLike<number>[]): void {
  for (const [i, row] of found.entries()) {
    for (const [k, value] of row.entries()) expect(value).toBeCloseTo(expected[i]?.[k] as number, 6);
  }
}

describe('a folder', () => {
  test('gives back what was saved', async () => {
    const alone = await loadWordsAlone(at('alone'));
    expect(alone).toMatchObject({ kind: 'oneLabel', labels, weights: words.weights });
    expect(await loadWordsPart(at('hybrid'), 4)).toEqual({ weights: words.weights, weight });
    expect(await loadWordsAlone(at('hybrid'))).toBeNull();
    expect(await loadWordsPart(at('tiny'), 4)).toBeNull();
  });

  test('of words alone names itself, so that nobody else loads it', () => {
    const config = JSON.parse(readFileSync(at('alone/config.json'), 'utf8'));
    expect(config).toEqual({
      ...{ format: 1, model_type: 'bertune-words', problem_type: 'single_label_classification' },
      id2label: { 0: 'cancel', 1: 'refund', 2: 'track', 3: 'other' },
      label2id: { cancel: 0, refund: 1, track: 2, other: 3 },
    });
    expect(readdirSync(at('alone'), { recursive: true }).sort()).toEqual([
      ...['config.json', 'words', 'words/model.safetensors', 'words/words.json'],
    ]);
  });

  test('a network that is saved over a hybrid has no words', async () => {
    cpSync(at('hybrid'), at('again'), { recursive: true });
    const model = tinyModel({ labels });
    const values = randomValues(model, ['encoder', 'pooler', 'classifier']);
    const tokenizerFiles = loadTokenizer(at('again')).files();
    await saveText(at('again'), { model, head: 'oneLabel', values, tokenizerFiles });
    expect(existsSync(at('again/words'))).toBe(false);
  });

  test('labels that are numbers or odd names stay in their order', async () => {
    const odd = ['10', '2', '__proto__', 'a\nb'];
    await saveWords(at('odd'), { kind: 'oneLabel', weights: words.weights, labels: odd });
    expect((await loadWordsAlone(at('odd')))?.labels).toEqual(odd);
  });

  const newer = (file: string, folder: string) => {
    cpSync(at(folder), at(`newer-${folder}`), { recursive: true });
    const path = at(`newer-${folder}`, file);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), format: 99 }));
    return path;
  };

  test('of a newer version is refused by name', async () => {
    const path = newer('words/words.json', 'hybrid');
    const message = `${path} was written by a newer version of bertune (format 99; this one reads up to 1); update bertune`;
    await expect(loadModel(at('newer-hybrid'))).rejects.toThrow(new NewerFormatError(message));
    const config = newer('config.json', 'alone');
    await expect(loadModel(at('newer-alone'))).rejects.toThrow(`${config} was written by a newer version`);
    const pushed = push({ model: at('newer-alone'), repo: 'a/b' });
    await expect(pushed).rejects.toThrow(`${config} was written by a newer version`);
  });

  test.each([
    ['words/words.json', '{"format": 1', 'words.json is damaged: it is no JSON object'],
    ['words/words.json', '{"format": 1}', 'words.json is damaged: blocks is missing'],
    ['words/model.safetensors', 'x', 'model.safetensors'],
    ['words/model.safetensors', null, 'model.safetensors does not exist'],
    ['words/words.json', null, 'words.json is missing: copy the whole folder'],
    ['config.json', '{"model_type": "bertune-words"}', 'config.json is damaged: id2label is missing'],
    [
      'config.json',
      '{"model_type": "bertune-words", "id2label": {"0": "a", "1": "b"}}',
      'words.json is of a classifier with 4 labels, but',
    ],
  ])('damaged: %s %s', async (file, content, message) => {
    const path = at('damaged');
    rmSync(path, { recursive: true, force: true });
    cpSync(at('alone'), path, { recursive: true });
    if (content === null) rmSync(join(path, file));
    else writeFileSync(join(path, file), content);
    const error = await loadModel(path).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(BertuneError);
    expect(messageOf(error)).toContain(message);
    expect(messageOf(error)).toContain(path);
    expect(messageOf(error)).not.toContain('\n');
  });

  test('with a vocabulary of other numbers, or a term twice', async () => {
    const path = at('mixed');
    cpSync(at('alone'), path, { recursive: true });
    const file = join(path, 'words/words.json');
    const document = JSON.parse(readFileSync(file, 'utf8'));
    const { words: list, characters } = document.terms;
    writeFileSync(file, JSON.stringify({ ...document, terms: { words: list.slice(1), characters } }));
    await expect(loadModel(path)).rejects.toThrow(/model.safetensors does not belong to .*words.json: idf must be/);
    writeFileSync(file, JSON.stringify({ ...document, terms: { words: [list[1], ...list.slice(1)], characters } }));
    await expect(loadModel(path)).rejects.toThrow(/words.json is damaged: its words have .* twice/);
  });
});

describe('answers', () => {
  test('of words alone are its own', async () => {
    expectClose(
      await probabilities(at('alone')),
      words.logProbabilities(asked).map((row) => row.map(Math.exp)),
    );
  });

  test.each([
    ['hybrid', 'tiny'],
    ['sentences', ''],
  ])('of a hybrid (%s) are those of both', async (name, network) => {
    const own = await probabilities(network === '' ? folderNamed('classifier') : at(network));
    const beside = words.logProbabilities(asked);
    const expected = own.map((row, i) => {
      const odds = row.map((p, k) => p * Math.exp(beside[i]?.[k] as number) ** weight);
      const sum = odds.reduce((a, b) => a + b, 0);
      return odds.map((value) => value / sum);
    });
    const found = await probabilities(at(name));
    for (const [i, row] of found.entries()) {
      for (const [k, value] of row.entries()) expect(value).toBeCloseTo(expected[i]?.[k] as number, 5);
    }
    expect(Math.abs((own[0]?.[0] as number) - (found[0]?.[0] as number))).toBeGreaterThan(0.01);
  });

  test.each(['alone', 'hybrid', 'sentences'])('predict and evaluate agree: %s', async (name) => {
    const result = (await evaluate({
      ...{ model: at(name), data: { files: [at('labeled.csv')] }, threads: 1 },
    })) as ClassificationResult;
    const model = await openModel(at(name), { threads: 1 });
    const rows = await model.scores(texts);
    await model.dispose();
    const truth = texts.map((_, i) => labels[Math.floor(i / 3)] as string);
    const right = rows.filter((row, i) => row[0]?.label === truth[i]).length;
    expect(result.accuracy).toBeCloseTo(right / texts.length, 10);
    const losses = rows.map((row, i) => -Math.log(row.find(({ label }) => label === truth[i])?.score ?? 0));
    expect(result.loss).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / texts.length, 5);
    const predictions: string[] = [];
    for await (const answer of predict({ model: at(name), input: { files: [at('texts.txt')] }, threads: 1 })) {
      const { label } = answer as Prediction;
      predictions.push(label);
    }
    const best = (await probabilities(at(name))).map((row) => labels[row.indexOf(Math.max(...row))]);
    expect(predictions).toEqual(best.filter((_, i) => asked[i] !== ''));
  });

  test('words are read whole: a limit of tokens is told to count for networks', async () => {
    const notes: string[] = [];
    const model = await loadModel(at('alone'), { maxLength: 8, int8: true, onNote: (text) => notes.push(text) });
    const long = `${'hello '.repeat(500)}cancel cancel cancel`;
    const [row] = words.logProbabilities([long]);
    expect((await model.classify([long]))[0]?.score).toBeCloseTo(Math.max(...(row ?? []).map(Math.exp)), 5);
    await model.dispose();
    expect(notes).toEqual([expect.stringContaining('is a classifier on words and reads texts whole')]);
  });
});

describe('inspect', () => {
  test('says what it reads', async () => {
    const { terms, weight: numbers } = words.weights;
    const facts = { words: terms.words.length, characters: terms.characters.length };
    const total = numbers.length + numbers.length / 4 + 4;
    expect(await inspect({ model: at('alone') })).toMatchObject({
      ...{ modelType: 'bertune-words', heads: ['classifier'], labels, words: { ...facts, weight: null } },
      ...{ layers: 0, parameters: total },
    });
    const [hybrid, network] = [await inspect({ model: at('hybrid') }), await inspect({ model: at('tiny') })];
    expect(hybrid.words).toEqual({ ...facts, weight });
    expect(hybrid.parameters).toBe(network.parameters + total);
    expect(network.words).toBeNull();
    const { stdout } = await runInProcess(['inspect', '--model', at('alone')]);
    expect(stdout).toMatch(/model type +bertune-words/);
    expect(stdout).toMatch(/words +TF-IDF of [\d,]+ words and pairs, [\d,]+ runs of characters/);
    expect(stdout).not.toContain('attention heads');
    expect((await runInProcess(['inspect', '--model', at('hybrid')])).stdout).toContain(
      'counting 0.75 beside the network',
    );
  });
});

describe('what needs a network', () => {
  const alone = () => ({ model: at('alone'), threads: 1 });
  const files = () => ({ files: [at('labeled.csv')] });
  test.each([
    ['adapt', () => adapt({ ...alone(), corpus: { files: [at('texts.txt')] }, output: at('out') })],
    ['finetune', () => finetune({ ...alone(), train: files(), output: at('out'), method: 'frozen' })],
    ['export', () => exportModel({ ...alone(), output: at('out') })],
    ['embed', () => embed({ ...alone(), input: { files: [at('texts.txt')] }, output: at('v.jsonl') })],
    ['fill-mask', async () => (await loadModel(at('alone'))).fillMask('a [MASK]')],
    ['tokens', async () => (await loadModel(at('alone'))).tokens('a')],
  ])('is refused of words alone in one line: %s', async (_, act) => {
    const error = await act().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(UsageError);
    expect(messageOf(error)).toMatch(/is a classifier on words alone/);
    expect(messageOf(error)).not.toContain('\n');
    expect(existsSync(at('out'))).toBe(false);
  });

  test('evaluating masks is refused', async () => {
    const masked = evaluate({ ...alone(), data: files(), maskProbability: 0.3 });
    await expect(masked).rejects.toThrow(/is a classifier; leave it out/);
  });

  test('of a hybrid, the export is refused unless the network alone is asked for', async () => {
    const given = { model: at('hybrid'), output: at('onnx'), threads: 1, dtypes: ['fp32'] } as const;
    await expect(exportModel(given)).rejects.toThrow(/answers from its network and from words.*networkOnly/);
    const { stderr } = await runInProcess(['export', '--model', at('hybrid'), '--output', at('onnx')]);
    expect(stderr).toContain('--network-only');
    const notes = listening();
    await exportModel({ ...given, networkOnly: true }, notes);
    expect(notes.notes().join('\n')).toContain('without its words: its answers differ');
    expect(existsSync(at('onnx/words'))).toBe(false);
    await exportModel({ ...given, output: at('vectors'), task: 'feature-extraction' });
  });

  test('training on from a hybrid says that its words are left out', async () => {
    const notes = listening();
    const options = { model: at('hybrid'), train: files(), output: at('on'), threads: 1, maxSteps: 1 } as const;
    await finetune({ ...options, method: 'finetune' }, notes);
    expect(notes.notes().join('\n')).toMatch(/the classifier on words of .*hybrid is left out/);
    expect(existsSync(at('on/words'))).toBe(false);
  });
});

describe('a card', () => {
  const measure = { accuracy: 0.75, macroF1: 0.7, loss: 0.9, lossStandardError: 0.1, count: 4, labels };
  const record = (about: ModelFacts, head?: object): RunRecord => ({
    ...{ command: 'finetune', status: 'finished', startedAt: '', versions: {}, about },
    configuration: { train: { files: ['labels.csv'] }, maxLength: 128 },
    data: { train: 12, heldOut: 4 },
    result: { ...measure, confusion: labels.map((_, i) => labels.map((_, k) => Number(i === k))), steps: 0, head },
  });

  test('of words alone says what it reads, and that no Python loads it', async () => {
    const text = await cardOf(record(wordsModelFacts(words, 30)), 'intent');
    expect(text).toContain('library_name: bertune');
    expect(text).toContain('A text classifier with 4 labels on words, without a network, fitted with bertune.');
    expect(text).toMatch(/TF-IDF weights of [\d,]+ words and pairs and [\d,]+ runs of characters/);
    expect(text).toContain('Logistic regression on TF-IDF weights of words and runs of characters, C 30.');
    expect(text).toContain('It is no network: transformers and transformers.js refuse it.');
    expect(text).not.toContain('layers of');
    expect(text).not.toContain('128 tokens');
    expect(text).not.toContain('```python');
  });

  test('of a hybrid says that Python reads the network alone', async () => {
    const network = modelFacts(tinyModel({ labels }), 'oneLabel');
    const about = { ...network, words: wordsUseOf(words, 30, weight) };
    const text = await cardOf(record(about, { c: 10, folds: [], scored: 0, vectorsFound: 0 }), 'intent');
    expect(text).toContain('The answer is softmax(log p(network) + 0.75 · log p(words)).');
    expect(text).toContain('vectors of the frozen encoder, C 10; logistic regression on TF-IDF');
    expect(text).toContain('both joined with weight 0.75');
    expect(text).toContain('What follows reads the network alone, without the words, and its answers differ.');
    expect(text).toContain('pipe = pipeline("text-classification"');
  });
});

describe('the Hub', () => {
  let hub: HubServer;
  beforeAll(async () => {
    hub = await startHub();
  });
  afterAll(() => hub.close());

  test.each(['alone', 'hybrid', 'sentences'])('%s goes there and comes back', async (name) => {
    const settings = hubSettings(false, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: at('cache'), HF_TOKEN: hub.token });
    writeFileSync(at(name, 'words', 'notes.txt'), 'of this machine');
    const { files } = await pushModel({ folder: at(name), repo: `team/${name}` }, settings);
    expect(files).toEqual(expect.arrayContaining(['config.json', 'words/model.safetensors', 'words/words.json']));
    expect(files).not.toContain('words/notes.txt');
    const content = Object.fromEntries(files.map((file) => [file, readFileSync(at(name, file))]));
    addRepository(
      hub,
      `other/${name}`,
      content,
      files.filter((file) => file.endsWith('.safetensors')),
    );
    const fetched = await fetchModel({ repo: `other/${name}`, revision: 'main' }, settings);
    expect(await probabilities(fetched.folder)).toEqual(await probabilities(at(name)));
  });
});

interface Answer {
  readonly error?: unknown;
  readonly predictions: { readonly scores: { readonly label: string; readonly score: number }[] }[];
  readonly models: object[];
  readonly data: { readonly id: string }[];
}

describe('a server', () => {
  let createServer: typeof CreateServer;
  // Threads run the built package alone.
  beforeAll(async () => {
    const root = join(await builtCommand(), '../..');
    ({ createServer } = await import(pathToFileURL(join(root, 'index.js')).href));
  });

  test('answers with them, and refuses vectors', async () => {
    const server = await createServer({ models: [at('alone'), at('hybrid')], port: 0, threads: 1 });
    try {
      const ask = async (path: string, body: object) => {
        const headers = { 'content-type': 'application/json' };
        const response = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
        return { status: response.status, answer: (await response.json()) as Answer };
      };
      const whole = asked.filter((text) => text !== '');
      for (const name of ['alone', 'hybrid']) {
        const { status, answer } = await ask('/predict', { texts: whole, model: name, topK: 4 });
        expect(status).toBe(200);
        const rows = answer.predictions.map(({ scores }) =>
          labels.map((label) => scores.find((one) => one.label === label)?.score ?? Number.NaN),
        );
        expectClose(
          rows,
          (await probabilities(at(name))).filter((_, i) => asked[i] !== ''),
        );
      }
      expect(await ask('/embed', { texts: ['a'], model: 'alone' })).toEqual({
        ...{ status: 400, answer: { error: 'alone cannot embed, only predict; hybrid can' } },
      });
      expect(await ask('/v1/embeddings', { input: 'a', model: 'alone' })).toMatchObject({
        ...{ status: 400, answer: { error: { message: 'alone cannot embed, only predict; hybrid can' } } },
      });
      expect(await ask('/fill-mask', { texts: ['[MASK]'], model: 'alone' })).toMatchObject({ status: 400 });
      const { models } = (await (await fetch(`${server.url}/health`)).json()) as Answer;
      expect(models[0]).toMatchObject({ name: 'alone', tasks: ['predict'], labels, maskToken: '', dimensions: 0 });
      const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as Answer;
      expect(data.map(({ id }) => id)).toEqual(['hybrid']);
    } finally {
      await server.close();
    }
  });
});
