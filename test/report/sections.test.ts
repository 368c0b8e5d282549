import { expect, test } from 'vitest';
import type { Held, HeldEntity, LabelHeld, ScoredLabel } from '../../src/report/held.ts';
import { reportPage } from '../../src/report/page.ts';
import type { ReportedRun } from '../../src/report/run.ts';
import { fullRun, numberRun, targetRun, tokensRun } from './runs.ts';

/** A page's text, its tags left out. */
const textOf = (page: string) =>
  page
    .replace(/<(style|script)>.*?<\/\1>/gs, '')
    .replace(/<wbr>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/\s+/g, ' ');
const page = (...runs: ReportedRun[]) => reportPage(runs, '1.0');
const withHeld = (run: ReportedRun, held: Held): ReportedRun => ({ ...run, held });

test('of several labels, what was missed and what was told wrongly stands under its label', async () => {
  const own: ScoredLabel[][] = [
    [[0, 0.2]],
    [[0, 0.1]],
    [
      [0, 0.9],
      [1, 0.8],
    ],
    [],
  ];
  const told: ScoredLabel[][] = [
    [[1, 0.7]],
    [],
    [
      [0, 0.9],
      [1, 0.8],
    ],
    [[1, 0.6]],
  ];
  const held: Held = {
    ...{ kind: 'several-labels', labels: ['pay_now', 'send'], thresholds: [0.4, 0.5], own, told, of: 4 },
    texts: ['first', 'second', 'third', 'fourth'],
  };
  const html = await page(withHeld(targetRun(), held));
  const text = textOf(html);
  // Those that were furthest from being told come first.
  expect(text).toContain(
    'pay_now 2 missed 0 told wrongly Missed second 10.0 %, told from 40.0 % on first 20.0 %, told from 40.0 % on',
  );
  expect(text).toContain(
    'send 0 missed 2 told wrongly Told wrongly first 70.0 %, told from 50.0 % on fourth 60.0 %, told from 50.0 % on',
  );
  expect(html).toContain('pay_<wbr>now');
  expect(text).not.toContain('third');
});

test('of labels on tokens, what was right and what was found is marked in the text', async () => {
  const texts = ['send it to Rome now', 'a lamp to Oslo', 'all is well'];
  const own: HeldEntity[][] = [
    [[11, 15, 'CITY']],
    [
      [2, 6, 'ITEM'],
      [10, 14, 'CITY'],
    ],
    [],
  ];
  const found: HeldEntity[][] = [
    [[8, 15, 'CITY']],
    [
      [2, 6, 'CITY'],
      [10, 14, 'CITY'],
    ],
    [],
  ];
  const html = await page(withHeld(tokensRun(), { kind: 'tokens', own, found, texts, of: 3 }));
  const text = textOf(html);
  expect(text).toContain('CITY 1 missed 2 told wrongly');
  expect(text).toContain('ITEM 1 missed 0 told wrongly');
  expect(html).toContain('send it <mark class="strange">to </mark><mark class="both">Rome</mark> now');
  expect(html).toContain('a <mark class="missed">lamp</mark> to Oslo');
  expect(text).toContain('found as another label: lamp: CITY');
  const without = await page(withHeld(tokensRun(), { kind: 'tokens', own, found, of: 3 }));
  expect(textOf(without)).toContain('CITY 1 missed 2 told wrongly');
  expect(without).not.toContain('Rome');
});

test('numbers tell how many lie within the interval, and which are furthest off', async () => {
  const own = [10, 20, 30, 40];
  const told = [11, 18, 39, 40];
  const interval = { margin: 2, share: 0.9 };
  const texts = ['one', 'two', 'three', 'four'];
  const html = await page(withHeld(numberRun(), { kind: 'number', name: 'days', own, told, interval, texts, of: 4 }));
  const text = textOf(html);
  expect(text).toContain('75.0 % lie within the band, ± 2.00, which is to hold 90.0 %.');
  expect(text).toMatch(/off by three 30\.0 39\.0 9\.00 two 20\.0 18\.0 -2\.00 one 10\.0 11\.0 1\.00 four 40\.0 40\.0/);
  expect(html.match(/<circle/g)?.length).toBe(4);
});

test('both texts of a pair are shown', async () => {
  const run = fullRun();
  const held = run.held as LabelHeld;
  const html = await page({ ...run, held: { ...held, pairs: held.classes.map((_, i) => `second of ${i}`) } });
  expect(textOf(html)).toMatch(/with \+ second of 0 /);
});

test('what tells texts of no label is drawn with the share that lies beyond the threshold', async () => {
  const outOfScope = { score: 'energy', by: 'folds', inScope: [0, 1, 2, 9], outOfScope: [3, 7, 8, 9], threshold: 5 };
  const { scores: _, ...run } = fullRun();
  const text = textOf(await page({ ...run, outOfScope }));
  expect(text).toContain(
    'Beyond the broken line, 5, a text is taken for one of none where answers may be left out: 25.0 % of those of a label and 75.0 % of those of none. Texts of a label are folds.',
  );
  const { outOfScope: none, ...alone } = outOfScope;
  expect(none).toHaveLength(4);
  expect(textOf(await page({ ...run, outOfScope: alone }))).toContain('No texts of no label were given');
});

test('runs of the same texts are told apart text by text', async () => {
  const a = fullRun('a');
  const held = a.held as LabelHeld;
  // b is right where a is wrong in 12 of 120 texts, and never the other way round.
  let mended = 0;
  const answers = held.answers.map((answer, i) => {
    const own = held.classes[i] as number;
    return answer !== own && mended++ < 12 ? own : answer;
  });
  const b = { ...a, name: 'b', held: { ...held, answers } };
  const text = textOf(await page(a, b));
  expect(text).toContain('measured on the same held-out texts');
  // Mean 0.1, and by numpy std(ddof=1) / sqrt(120) = 0.0275: ± 1.96 of it.
  expect(text).toContain('points (95 % interval) – +10.0 (+4.6 to +15.4)');
  const other = { ...b, held: { ...held, texts: held.classes.map((_, i) => `other ${i}`) } };
  expect(textOf(await page(a, other))).toContain('measured on different texts');
  const { texts: _, ...unread } = held;
  expect(textOf(await page(a, { ...b, held: unread }))).toContain('is not known: one of the runs kept none');
});

test('methods that competed for other answers are shown by their own measure', async () => {
  const text = textOf(await page(targetRun()));
  expect(text).toContain('words (chosen) 0.800');
  expect(text).toContain('frozen 0.700 +0.1 (+0.05 to +0.2)');
  expect(text).toContain('hybrid, contrastive were not tried: for one label finetune was not tried: no time');
});

test('sections that runs of a kind have none of are not spoken of', async () => {
  const text = textOf(await page(numberRun()));
  for (const title of ['What is taken for what', 'Slices', 'What is promised', 'Label by label']) {
    expect(text, title).not.toContain(title);
  }
});

test('of many answers the page stays small, and what is left out is told', async () => {
  const run = fullRun();
  const labels = Array.from({ length: 600 }, (_, i) => `label ${i}`);
  const texts = Array.from({ length: 10_000 }, (_, i) => `text ${i} ${'word '.repeat(190)}`);
  const classes = texts.map((_, i) => i % 600);
  const answers = texts.map((_, i) => (i % 2 === 0 ? i % 600 : (7 * i) % 600));
  const scores = texts.map((_, i) => ((i * 7919) % 10_000) / 10_000);
  const slices = { column: 'customer', values: texts.map((_, i) => `customer ${i % 3000}`) };
  const confusion = labels.map(() => labels.map(() => 0));
  for (const [i, own] of classes.entries()) {
    const row = confusion[own] as number[];
    row[answers[i] as number] = (row[answers[i] as number] ?? 0) + 2;
  }
  const held: Held = { kind: 'one-label', labels, classes, answers, scores, own: scores, texts, slices, of: 20_000 };
  const classifier = { labels, accuracy: 0.5, macroF1: 0.5, loss: 1, count: 20_000, confusion };
  const html = await page({ ...run, held, classifier });
  expect(html.length).toBeLessThan(2_000_000);
  const text = textOf(html);
  expect(text).toContain('Of 20,000 held-out texts, 10,000 were kept to be read.');
  expect(text).toMatch(/\d+ more pairs not listed\./);
  expect(text).toContain('100 more rows not shown.');
  expect(text).toContain('2,500 more rows not shown.');
  const many = texts.map((_, i): ScoredLabel[] => [[i % 600, 0.2]]);
  const told = texts.map((_, i): ScoredLabel[] => [[(i + 1) % 600, 0.8]]);
  const several = { kind: 'several-labels', labels, thresholds: scores, own: many, told, texts, of: 20_000 } as const;
  const other = await page(withHeld(targetRun(), several));
  expect(other.length).toBeLessThan(1_000_000);
  expect(textOf(other)).toContain('540 more labels not listed.');
});
