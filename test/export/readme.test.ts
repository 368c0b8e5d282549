import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { chromium as playwright } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadModel } from '../../src/jobs/model.ts';
import type { Prediction } from '../../src/jobs/types.ts';
import { builtCommand } from '../cli/build.ts';
import { addRepository, startHub } from '../hub/hubServer.ts';
import { chromium, needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { browserFlags, servePage } from './pages.ts';
import { readerFolder, readmeLine, runReadmeCommand, runScript, shellWords, snippet } from './readme.ts';

/** The README's snippets, run one after the other in one folder, as a reader would. */
describe('the README', () => {
  const folder = temporaryFolder();
  const sentence = 'how do i send this back?';
  let trained = '';
  let exported = '';
  let expected: Prediction;

  beforeAll(async () => {
    await readerFolder(folder);
    trained = await runScript(process.execPath, snippet('ts', 'import { adapt, finetune, loadModel }'), folder);
    exported = await runReadmeCommand('npx bertune export --model runs/intent --output exports/intent', folder);
    expected = await classify(sentence);
  }, 300_000);

  async function classify(text: string): Promise<Prediction> {
    const model = await loadModel(join(folder, 'runs/intent'));
    const [prediction] = await model.classify([text]);
    await model.dispose();
    if (!prediction) throw new Error('no prediction');
    return prediction;
  }

  test('trains and predicts from a program', () => {
    const [before, after] = trained.split('\n')[0]?.split(' ').map(Number) ?? [];
    expect(after).toBeLessThan(before ?? 0);
    expect(trained).toContain(`label: '${expected.label}'`);
  });

  test('exports and says what was compared', () => {
    expect(exported).toMatch(/onnx\/model\.onnx .* 100\.0 %/);
    expect(exported).toContain('compared with the trained model on 32 labels');
  });

  test('classifies with transformers.js in Node', async () => {
    const said = await runScript(process.execPath, snippet('js', "from '@huggingface/transformers'"), folder);
    expect(said).toContain(`label: '${expected.label}'`);
    expect(Number(/score: ([\d.]+)/.exec(said)?.[1])).toBeCloseTo(expected.score, 4);
  });

  test('serves, and answers as the line with curl asks', async () => {
    const [, , ...words] = shellWords(readmeLine('npx bertune serve'));
    expect(words.splice(-2)).toEqual(['--port', '8080']); // another server may have it
    const command = await builtCommand();
    const child = spawn(process.execPath, [command, ...words, '--port', '0', '--json'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = new Promise((resolve) => child.on('close', resolve));
    const said = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
    const { url, models } = JSON.parse(said) as { url: string; models: { name: string }[] };
    expect(models.map(({ name }) => name)).toEqual(['bert-mini-sentences', 'adapted', 'intent']);
    const [curl, address = '', header, type = '', data, body] = shellWords(readmeLine('curl'));
    expect([curl, header, data]).toEqual(['curl', '-H', '-d']);
    const [name = '', value = ''] = type.split(': ');
    const path = new URL(address).pathname;
    const response = await fetch(url + path, { method: 'POST', headers: { [name]: value }, body });
    const { predictions } = (await response.json()) as { predictions: Prediction[] };
    const wanted = await classify('where is my parcel?');
    expect(predictions[0]?.label).toBe(wanted.label);
    expect(predictions[0]?.score).toBeCloseTo(wanted.score, 4);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('adapts a model of the Hub and pushes it, with a server of our own for the Hub', async () => {
    const hub = await startHub();
    const base = join(folder, 'checkpoints/bert-mini-sentences');
    const entries = readdirSync(base, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = entries.map(({ parentPath, name }) => relative(base, join(parentPath, name)));
    const files = Object.fromEntries(paths.map((path) => [path, readFileSync(join(base, path))]));
    addRepository(hub, 'google-bert/bert-base-uncased', files, ['model.safetensors']);
    writeFileSync(join(folder, 'reviews.txt'), readFileSync(join(folder, 'corpora/support.txt')));
    const before = { ...process.env };
    Object.assign(process.env, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(folder, 'hub'), HF_TOKEN: hub.token });
    try {
      await runReadmeCommand(readmeLine('npx bertune adapt --model google-bert/'), folder);
      const push = readmeLine('HF_TOKEN=hf_... npx bertune push');
      await runReadmeCommand(push, folder);
    } finally {
      process.env = before;
      await hub.close();
    }
    const pushed = hub.repositories.get('my-team/reviews-bert');
    expect(pushed?.isPrivate).toBe(true);
    const trainedWeights = readFileSync(join(folder, 'runs/reviews/model.safetensors'));
    expect(pushed?.files.get('model.safetensors')?.equals(trainedWeights)).toBe(true);
    expect(pushed?.files.get('README.md')?.toString()).toContain('base_model: google-bert/bert-base-uncased');
  });

  needing('chromium').test('classifies a typed sentence in a browser', async () => {
    const page = join(folder, 'index.html');
    writeFileSync(page, `<!doctype html>\n${snippet('html', 'transformers.min.js')}`);
    const site = await servePage(page, join(folder, 'exports'));
    const browser = await playwright.launch({ executablePath: chromium, args: browserFlags });
    try {
      const tab = await browser.newPage();
      const errors: string[] = [];
      tab.on('pageerror', (error) => errors.push(error.message));
      await tab.goto(site.url);
      await tab.waitForSelector('#text[data-ready=yes]', { timeout: 60_000 }).catch((error) => {
        throw new Error(`${error}; errors of the page: ${errors.join('; ')}; it asked for ${site.requested.join(' ')}`);
      });
      for (const typed of [sentence, 'please cancel my order']) {
        await tab.fill('#text', '');
        await tab.locator('#text').pressSequentially(typed);
        const before = await tab.textContent('#label');
        await tab.press('#text', 'Enter');
        await tab.waitForFunction(`document.getElementById('label').textContent !== ${JSON.stringify(before)}`);
        const [, label, score] = /^(.*) ([\d.]+)$/.exec((await tab.textContent('#label')) ?? '') ?? [];
        const wanted = await classify(typed);
        expect(label).toBe(wanted.label);
        expect(Math.abs(Number(score) - wanted.score)).toBeLessThan(0.1);
      }
      expect(errors).toEqual([]);
      expect(site.requested).toContain('/models/intent/onnx/model_quantized.onnx');
    } finally {
      await browser.close();
      await site.close();
    }
  });
});
