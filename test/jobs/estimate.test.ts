import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { adapt } from '../../src/jobs/adapt.ts';
import { type EstimateOptions, estimate } from '../../src/jobs/estimate.ts';
import { runInProcess } from '../cli/terminal.ts';
import { temporaryFolder } from '../temporary.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  await saveTinyModel(at('model'));
  writeFileSync(at('corpus.txt'), `${messages(6000).join('\n')}\n`);
  writeFileSync(at('held.txt'), `${messages(300, 77).join('\n')}\n`);
  writeFileSync(at('labels.csv'), labeledCsv(labeledMessages(120)));
});

const settings = { maxLength: 32, batchTokens: 256, learningRate: 2e-3, dropout: 0, threads: 1, cache: false } as const;
const adapting = {
  model: at('model'),
  corpus: { files: [at('corpus.txt')] },
  eval: { files: [at('held.txt')] },
  ...settings,
};
const options = (more: Partial<EstimateOptions> = {}): EstimateOptions => ({
  ...{ ...adapting, maxSteps: 64, output: at('whole'), budget: 5, ...more },
});

describe('what a run should bring', () => {
  test('is told from short runs with the whole schedule, each of which is what adapt makes of as many steps', async () => {
    const result = await estimate(options({ train: { files: [at('labels.csv')] } }));
    expect(result).toMatchObject({ objective: 'masked', outcome: 'falls', labels: { texts: 120, classes: 2 } });
    const { tried, start, whole, forecast } = result;
    // No longer than half of the whole run.
    expect(tried.map(({ steps }) => steps)).toEqual([4, 8, 16, 32]);
    expect(result.texts).toBe(300);
    const output = at('sixteen');
    const run = await adapt({ ...adapting, maxSteps: 16, output, saveSteps: 0 });
    const sixteen = tried[2];
    expect(sixteen?.tokens).toBe(run.tokens);
    expect(sixteen?.loss).toBe(run.evalLossAfter);
    expect(start.loss).toBe(run.evalLossBefore);
    expect(start.accuracy).toBeGreaterThan(0.5);
    expect(whole.steps).toBe(64);
    expect(forecast?.loss.value).toBeLessThan(start.loss);
    expect(forecast?.perplexity?.value).toBeCloseTo(Math.exp(forecast?.loss.value ?? 0), 9);
    expect(forecast?.perplexity?.high).toBeCloseTo(Math.exp(forecast?.loss.high ?? 0), 9);
    expect(existsSync(at('whole'))).toBe(false);
  });

  test('what the whole run takes is what it takes', async () => {
    const { whole } = await estimate(options({ maxSteps: 60, saveSteps: 10 }));
    const output = at('run');
    let checkpoints = 0;
    const run = await adapt(
      { ...adapting, maxSteps: 60, saveSteps: 10, output },
      {
        onEvent(event) {
          if (event.type !== 'checkpoint') return;
          checkpoints = Math.max(checkpoints, bytesIn(join(output, 'checkpoints')));
        },
      },
    );
    expect(Math.abs(whole.tokens / run.tokens - 1)).toBeLessThan(0.05);
    // Beside the numbers, a checkpoint has a description.
    expect(checkpoints).toBeGreaterThan(whole.disk.checkpoints);
    expect(checkpoints).toBeLessThan(whole.disk.checkpoints + 3 * 25_000);
    expect(whole.disk.free).toBeGreaterThan(0);
  });

  test('a run that spoils the model is told, and nothing is promised', async () => {
    // Of the kind of text that is held out, nothing is in the corpus.
    writeFileSync(at('other.txt'), '9 9 9 9 9 9 9 9 , 9 9 9 9\n8 8 8 8 8 8 8 8 8 8 8 8 8 8\n'.repeat(400));
    const { outcome, forecast } = await estimate(
      options({ corpus: { files: [at('other.txt')] }, learningRate: 3e-2, schedule: 'constant' }),
    );
    expect(outcome).toBe('rises');
    expect(forecast).toBeNull();
  });

  test.each([
    ['nothing held out', { eval: undefined, evalFraction: 0 }, /nothing is held out.*eval/],
    ['a run as short as what would be tried', { maxSteps: 12 }, /the whole run has 12 steps/],
  ])('%s is refused', async (_, more, message) => {
    await expect(estimate(options(more))).rejects.toThrow(message);
  });

  test('it stops when asked', async () => {
    const controller = new AbortController();
    const stopping = estimate(options({ budget: 5, maxSteps: 100_000 }), {
      signal: controller.signal,
      onEvent: (event) => event.type === 'progress' && event.activity.startsWith('trying') && controller.abort(),
    });
    await expect(stopping).rejects.toThrow(/^stopped/);
  });
});

describe('the command', () => {
  const words = (...more: string[]) => [
    ...['estimate', '--model', at('model'), '--corpus', at('corpus.txt'), '--eval', at('held.txt')],
    ...['--max-length', '32', '--batch-tokens', '256', '--learning-rate', '2e-3', '--dropout', '0', '--threads', '1'],
    ...['--no-cache', '--max-steps', '64', '--budget', '5', ...more],
  ];

  test('says first what to decide by', async () => {
    const { code, stdout } = await runInProcess([...words('--train', at('labels.csv'), '--text-column', 'text')]);
    expect(code).toBe(0);
    const [first, second] = stdout.split('\n');
    const [, from, to, low, high] =
      /^the whole run \(\d+s, \d\d,\d{3} tokens\) should bring perplexity from ([\d.]+) to about ([\d.]+) \(([\d.]+) to ([\d.]+)\)/.exec(
        first ?? '',
      ) ?? [];
    expect(Number(to)).toBeLessThan(Number(from));
    expect(Number(low)).toBeLessThanOrEqual(Number(to));
    expect(Number(high)).toBeGreaterThanOrEqual(Number(to));
    expect(second).toMatch(/^labels: (too early to say|[+-][\d.]+ to [+-][\d.]+ points) .*120 labeled texts/);
    expect(stdout).toMatch(/\nthe whole run takes about \d+ MB of memory, and up to \d+ MB on disk \(.+ free\)\n/);
  });

  test('with too little time it says so', async () => {
    const { code, stdout, stderr } = await runInProcess(words('--budget', '0.0001', '--json'));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'too few', forecast: null });
    expect(stderr).toMatch(/no more than 1 short run in the time, too few to tell by; give more .*--budget/);
  });
});

test('adapt of a corpus with labels beside it takes no columns of theirs', async () => {
  const { code, stderr } = await runInProcess([
    ...['estimate', '--model', at('model'), '--query', `SELECT * FROM '${at('labels.csv')}'`, '--text-column', 'text'],
    ...['--max-length', '32', '--batch-tokens', '64', '--no-cache', '--eval-fraction', '0.2'],
    ...['--epochs', '4', '--threads', '1', '--json'],
  ]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).not.toContain('--train');
  expect(stderr).toContain('--epochs 4: short runs see each text once');
});

function bytesIn(path: string): number {
  return readdirSync(path, { withFileTypes: true, recursive: true }).reduce((sum, entry) => {
    return sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0);
  }, 0);
}
