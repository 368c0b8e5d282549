import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { interruptible } from '../../src/cli/interrupt.ts';
import { createProgress } from '../../src/cli/progress.ts';
import type { JobEvent } from '../../src/jobs/types.ts';
import { Collector } from './terminal.ts';

function step(number: number, steps: number): JobEvent {
  return {
    type: 'step',
    step: number,
    steps,
    epoch: 1,
    loss: 2.5,
    learningRate: 4.2e-5,
    unit: 'tokens',
    unitsPerSecond: 8123.4,
    secondsLeft: 125,
  };
}

describe('progress', () => {
  test('is a line at every tenth where stderr is no terminal', () => {
    const stderr = new Collector();
    const progress = createProgress(stderr, () => 0);
    for (let i = 1; i <= 25; i++) progress.show(step(i, 25));
    progress.close();
    const lines = stderr.text.trimEnd().split('\n');
    expect(lines.map((line) => line.split('  ')[0])).toEqual(
      [1, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25].map((i) => `step ${i}/25`),
    );
    expect(lines[0]).toBe('step 1/25  epoch 1  loss 2.5000  learning rate 4.20e-5  8,123 tokens/s  2m 05s left');
  });

  test('is a line every half minute when steps are slow', () => {
    const stderr = new Collector();
    let time = 0;
    const progress = createProgress(stderr, () => time);
    for (let i = 1; i <= 8; i++) {
      time += 10_000;
      progress.show(step(i, 1000));
    }
    expect(stderr.text.match(/^step \d+/gm)).toEqual(['step 1', 'step 4', 'step 7']);
  });

  test('leaves short activities out and shows what else happens', () => {
    const stderr = new Collector();
    let time = 0;
    const progress = createProgress(stderr, () => time);
    progress.show({ type: 'progress', activity: 'tokenizing', done: 1000 });
    time = 31_000;
    progress.show({ type: 'progress', activity: 'tokenizing', done: 2000, total: 4000 });
    progress.show({ type: 'note', text: '3 texts were truncated' });
    progress.show({ type: 'evaluation', step: 10, metrics: { loss: 3.25, perplexity: 25.79 } });
    progress.show({ type: 'checkpoint', step: 10, path: 'out/checkpoints/step-10' });
    expect(stderr.text).toBe(
      [
        'tokenizing: 2,000 of 4,000',
        '3 texts were truncated',
        'step 10: held out: loss 3.2500  perplexity 25.7900',
        'step 10: saved out/checkpoints/step-10',
        '',
      ].join('\n'),
    );
  });

  test('tells each tenth of an activity that takes longer', () => {
    const stderr = new Collector();
    let time = 0;
    const progress = createProgress(stderr, () => time);
    for (let done = 5; done <= 100; done += 5) {
      progress.show({ type: 'progress', activity: 'labeling texts', done, total: 100 });
      time += 1000;
    }
    expect(stderr.text.match(/\d+ of 100$/gm)).toEqual(
      [30, 40, 50, 60, 70, 80, 90, 100].map((done) => `${done} of 100`),
    );
  });

  test('is rewritten in place on a terminal, with notes above it', () => {
    const stderr = new Collector(true);
    let time = 0;
    const progress = createProgress(stderr, () => time);
    progress.show({ type: 'progress', activity: 'reading', done: 1 });
    progress.show({ type: 'progress', activity: 'reading', done: 2 });
    time = 200;
    progress.show({ type: 'progress', activity: 'reading', done: 3 });
    progress.show({ type: 'note', text: 'hello' });
    progress.close();
    expect(stderr.text).toBe('\r\x1b[Kreading: 1\r\x1b[Kreading: 3\r\x1b[Khello\n\r\x1b[Kreading: 3\n');
  });
});

test('the first Ctrl-C aborts, the second exits, and none is heard afterwards', async () => {
  const signals = new EventEmitter();
  const exits: number[] = [];
  const terminal = { signals, exit: (code: number) => exits.push(code) };
  let told = 0;
  const states = await interruptible(
    terminal,
    () => told++,
    async (signal) => {
      const before = signal.aborted;
      signals.emit('SIGTERM');
      const after = signal.aborted;
      signals.emit('SIGINT');
      return [before, after];
    },
  );
  expect(states).toEqual([false, true]);
  expect({ told, exits }).toEqual({ told: 1, exits: [130] });
  expect(signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM')).toBe(0);
});
