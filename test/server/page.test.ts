import { join } from 'node:path';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadModel } from '../../src/jobs/model.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { browserFlags } from '../export/pages.ts';
import { saveTinyModel, tinyConfig } from '../jobs/tiny.ts';
import { chromium, needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';

/** The page at `/` in a browser, with two models beside each other. */
needing('chromium').describe('the page', () => {
  const folder = temporaryFolder();
  let server: Server;
  let browser: Browser;
  let tab: Page;

  beforeAll(async () => {
    await saveTinyModel(join(folder, 'base'));
    await saveTinyModel(join(folder, 'adapted'), { ...tinyConfig, initializerRange: 0.2 });
    server = await createServer({ models: [join(folder, 'base'), join(folder, 'adapted')], port: 0, threads: 1 });
    browser = await playwright.launch({ executablePath: chromium, args: browserFlags });
    tab = await browser.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const ask = async (text: string) => {
    await tab.goto(`${server.url}/?task=fill-mask&text=${encodeURIComponent(text)}`);
    await tab.locator('#status', { hasText: /^(?!Asking…)./ }).waitFor();
    return tab.textContent('#status');
  };

  test.each([1000, 380])('bars of all models are of one scale, %d pixels wide', async (width) => {
    await tab.setViewportSize({ width, height: 800 });
    expect(await ask('where is my [MASK] ? i want to [MASK] it')).toMatch(
      /^Answered in \d+ ms; changes are against base/,
    );
    const rows = await tab.evaluate<{ track: number; bar: number; score: number }[]>(`
      [...document.querySelectorAll('tr')].map((row) => ({
        track: row.querySelector('.track').getBoundingClientRect().width,
        bar: row.querySelector('.bar').getBoundingClientRect().width,
        score: parseFloat(row.querySelector('.percent').textContent),
      }))`);
    expect(rows.length).toBe(2 * 2 * 8);
    const [first] = rows;
    expect(first?.track).toBeGreaterThan(40);
    for (const { track } of rows) expect(Math.abs(track - (first?.track ?? 0))).toBeLessThan(1);
    // Each mask has its scale, the same in both cards: what is likelier has the longer bar.
    for (const mask of [0, 1]) {
      const both = [0, 1].flatMap((card) => rows.slice(16 * card + 8 * mask, 16 * card + 8 * mask + 8));
      const most = both.reduce((a, b) => (b.score > a.score ? b : a));
      for (const { bar, score } of both) {
        const share = score / most.score;
        expect(Math.abs(bar / most.bar - share)).toBeLessThan(0.1 / most.score + 0.02);
      }
    }
  });

  test.each([
    ['a laptop', 1280, 720],
    ['a phone', 390, 844],
  ])('the answers of both models are seen without scrolling on %s', async (_, width, height) => {
    await tab.setViewportSize({ width, height });
    const placeOf = () =>
      tab.evaluate<{ first: number; last: number; form: number; scrolled: number; wide: number }>(`({
        first: document.querySelector('tr').getBoundingClientRect().top,
        last: [...document.querySelectorAll('tr')].at(-1).getBoundingClientRect().bottom,
        form: document.querySelector('#text').getBoundingClientRect().top,
        scrolled: scrollY,
        wide: document.documentElement.scrollWidth,
      })`);
    await ask('where is my [MASK] ?');
    const { first, last, form, scrolled, wide } = await placeOf();
    expect({ scrolled, wide }).toEqual({ scrolled: 0, wide: width });
    expect(form).toBeGreaterThan(0);
    expect(first).toBeGreaterThan(0);
    expect(last).toBeLessThan(height);
    await tab.goto(`${server.url}/?task=embed&text=${encodeURIComponent('my order\nthe card\nmy parcel')}`);
    await tab.locator('#status', { hasText: /^Answered/ }).waitFor();
    expect((await placeOf()).last).toBeLessThan(height);
    // More than the window holds: it starts where the answers do.
    await ask(Array.from({ length: 6 }, () => 'my [MASK]').join(' '));
    const long = await placeOf();
    expect(long.first).toBeGreaterThan(0);
    expect(long.first).toBeLessThan(height / 2);
  });

  test('the first line is compared with the others, nearest first', async () => {
    const lines = ['where is my order', 'please cancel the card', 'where is my order'];
    await tab.goto(`${server.url}/?task=embed&text=${encodeURIComponent(lines.join('\n'))}`);
    await tab.locator('#status', { hasText: /^(?!Asking…)./ }).waitFor();
    expect(await tab.textContent('#status')).toMatch(/^Answered in \d+ ms; changes are against base, in hundredths/);
    const rows = await tab.evaluate<string[][]>(
      `[...document.querySelectorAll('section:first-of-type tr')].map((row) => [...row.cells].map((cell) => cell.textContent))`,
    );
    const model = await loadModel(join(folder, 'base'), { threads: 1 });
    const [first = new Float32Array(), other = new Float32Array()] = await model.embed(lines);
    await model.dispose();
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
    const cosine = dot(first, other) / Math.sqrt(dot(first, first) * dot(other, other));
    expect(rows.map(([text, , score]) => [text, score])).toEqual([
      ['where is my order', '1.000'],
      ['please cancel the card', cosine.toFixed(3)],
    ]);
    await tab.fill('#text', 'one line');
    await tab.click('#ask');
    await tab.locator('#status', { hasText: 'two texts' }).waitFor();
  });

  test('what is wrong, in words for someone who types', async () => {
    expect(await ask('no blank')).toBe('the text has no [MASK]; put [MASK] where a word is to be guessed');
    await tab.fill('#text', 'word '.repeat(5000)); // more than an address may hold
    await tab.click('#ask');
    await tab.locator('#status', { hasText: '20000' }).waitFor();
    expect(await tab.textContent('#status')).toBe('the text has more than 20000 characters');
  });
});

/** The page of a model that labels parts of texts, whose places the page cuts out of texts with emoji. */
needing('chromium').describe('the page of labels on tokens', () => {
  const model = join(import.meta.dirname, '..', 'fixtures', 'tagging', 'model');
  let server: Server;
  let browser: Browser;
  let tab: Page;

  beforeAll(async () => {
    server = await createServer({ models: [model], port: 0, threads: 1 });
    browser = await playwright.launch({ executablePath: chromium, args: browserFlags });
    tab = await browser.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test.each([
    "🙂🙂 Zoë's parcel is in Rome 🙂 not in Paris",
    '<b>Anna</b> & Berg,  in "Rome"',
    'Anna Berg has not come.',
  ])('marks what was found in %j', async (text) => {
    const loaded = await loadModel(model, { threads: 1 });
    const [found = []] = await loaded.entities([text]);
    await loaded.dispose();
    expect(found.length).toBeGreaterThan(0);
    await tab.goto(`${server.url}/?task=predict&text=${encodeURIComponent(text)}`);
    await tab.locator('#status', { hasText: /^Answered/ }).waitFor();
    const shown = await tab.evaluate<{
      whole: string;
      marks: { text: string; label: string; before: string }[];
    }>(`(() => {
      const whole = document.querySelector('.marked').cloneNode(true);
      const marks = [...whole.querySelectorAll('mark')].map((mark) => {
        const label = mark.querySelector('.kind');
        const name = label.textContent;
        label.remove();
        return { mark, label: name };
      });
      return {
        whole: whole.textContent,
        marks: marks.map(({ mark, label }) => {
          const range = document.createRange();
          range.setStart(whole, 0);
          range.setEndBefore(mark);
          return { text: mark.textContent, label, before: range.toString() };
        }),
      };
    })()`);
    expect(shown.whole).toBe(text);
    expect(shown.marks).toEqual(
      found.map(({ start, end, label }) => ({ text: text.slice(start, end), label, before: text.slice(0, start) })),
    );
    const titles = await tab.evaluate<string[]>(`[...document.querySelectorAll('mark')].map(({ title }) => title)`);
    for (const [i, { label, score }] of found.entries()) {
      expect(titles[i]?.startsWith(`${label}, `)).toBe(true);
      expect(Number.parseFloat(titles[i]?.slice(label.length + 2) ?? '')).toBeCloseTo(100 * score, 0);
    }
  });
});
