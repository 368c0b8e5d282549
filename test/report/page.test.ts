import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportPage } from '../../src/report/page.ts';
import { browserFlags } from '../export/pages.ts';
import { chromium, needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { fullRun, hostile, languageRun, numberRun, targetRun, tokensRun } from './runs.ts';

const folder = temporaryFolder();
const write = async (name: string, page: Promise<string>) => {
  const path = join(folder, name);
  writeFileSync(path, await page);
  return pathToFileURL(path).href;
};

describe('the text of a report', () => {
  test('names nothing that is elsewhere, and forbids to load anything', async () => {
    const page = await reportPage([{ ...fullRun(), held: undefined, audit: undefined }], '1.0');
    expect(page).toContain(`http-equiv="content-security-policy" content="default-src 'none'; `);
    // Of tags alone: in texts, which are escaped, there is no `<`.
    const tags = page.match(/<[a-z][^>]*>/g) ?? [];
    const places = tags.flatMap((tag) => tag.match(/\b(?:src|href|action|poster|srcset)\s*=\s*"[^"]*"/g) ?? []);
    expect(places.filter((place) => !/^href="#[\w-]+"$/.test(place))).toEqual(['href="data:,"']);
    expect(page).not.toMatch(/url\(|@import/);
  });

  test('names the rows where labels slipped', async () => {
    const page = await reportPage([fullRun()], '1.0');
    expect(page).toContain('Wrong labels lie together, as after a column that slipped: rows 1,012 to 1,023, 40 to 44.');
  });

  test('says in a line each what is left out', async () => {
    const { name, command, startedAt, facts, classifier } = fullRun();
    const page = await reportPage(
      [{ name, command, startedAt, facts, classifier, settings: [], lacks: ['answers.json is damaged'] }],
      '1.0',
    );
    expect(page).toContain('<li>Learning curve: the model was fitted at once, without steps.</li>');
    expect(page).toContain('<li>Slices: no column to slice by was given.</li>');
    expect(page).toContain('<li>answers.json is damaged</li>');
    expect(page).not.toContain('id="reliability"');
  });
});

needing('chromium').describe('a report in a browser', () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const runs = {
    'one run': [fullRun()],
    'two runs': [fullRun('a'), { ...fullRun('b'), ladder: undefined }],
    'several labels': [targetRun()],
    'a number': [numberRun()],
    'labels on tokens': [tokensRun()],
    'a language model': [languageRun()],
    'runs of all kinds': [fullRun(), targetRun(), numberRun(), tokensRun(), languageRun()],
  };
  const pages = new Map<string, string>();
  let [one, browser]: [string, Browser | undefined] = ['', undefined];

  beforeAll(async () => {
    for (const [kind, list] of Object.entries(runs))
      pages.set(kind, await write(`${kind}.html`, reportPage(list, '1.0')));
    one = pages.get('one run') ?? '';
    browser = await playwright.launch({ executablePath: chromium, args: browserFlags });
  });
  afterAll(() => browser?.close());

  const open = async (url: string, options: Parameters<Browser['newPage']>[0] = {}) => {
    const page = await (browser as Browser).newPage(options);
    const requested: string[] = [];
    page.on('request', (request) => requested.push(request.url()));
    await page.goto(url);
    return { page, requested };
  };
  const hacked = (page: Page) => page.evaluate('window.hacked');

  const shown = Object.keys(runs).flatMap((what, i) =>
    [390, 1440].map((width, j) => [what, width, (i + j) % 2 === 0 ? 'light' : 'dark'] as const),
  );
  test.each([...shown, ['one run', 390, 'dark'] as const])(
    '%s at %d pixels, %s: axe finds nothing, and nothing is wider than the page',
    async (what, width, colorScheme) => {
      const { page } = await open(pages.get(what) ?? '', { viewport: { width, height: 844 }, colorScheme });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      await page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true");
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate<{
        violations: { id: string; nodes: { html: string }[] }[];
        passes: unknown[];
      }>('axe.run()');
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
      expect(passes.length).toBeGreaterThan(15);
      await page.close();
    },
  );

  test('hostile texts are shown as they are and do nothing; no request leaves the page', async () => {
    const { page, requested } = await open(one);
    await page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true");
    const texts = await page.locator('.texts .text').allTextContents();
    const shown = (text: string) => text.replace(/[\p{Cc}\u202c\u202e]/gu, '\ufffd');
    for (const text of hostile) expect(texts).toContain(shown(text));
    await page.evaluate(`for (const part of document.querySelectorAll('*'))
      for (const kind of ['mouseover', 'load', 'error', 'click']) part.dispatchEvent(new Event(kind, { bubbles: true }));`);
    expect(await page.locator('img, iframe, main script, main link, a[href^=javascript]').count()).toBe(0);
    expect(await hacked(page)).toBeUndefined();
    expect(requested.filter((url) => !/^(file|data):/.test(url))).toEqual([]);
    // What would load anything, or run, is refused by the page itself: nothing reaches a server that would answer.
    const heard: string[] = [];
    const server = createServer((request, response) => {
      heard.push(request.url ?? '');
      response.writeHead(200, { 'access-control-allow-origin': '*' }).end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    await page.evaluate(`
      for (const tag of ['img', 'script', 'iframe'])
        document.body.append(Object.assign(document.createElement(tag), { src: 'http://127.0.0.1:${port}/' + tag }));
      document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.hacked = 1' }));
      fetch('http://127.0.0.1:${port}/fetch').catch(() => {});`);
    await page.waitForTimeout(300);
    expect(await hacked(page)).toBeUndefined();
    expect(heard).toEqual([]);
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await page.close();
  });

  test('without scripts everything can be read and opened', async () => {
    const { page } = await open(one, { javaScriptEnabled: false });
    const pair = page.locator('details.pair').first();
    expect(await pair.locator('.texts').isVisible()).toBe(false);
    await pair.locator('summary').click();
    expect(await pair.locator('.texts').isVisible()).toBe(true);
    expect(await page.locator('th button, select').count()).toBe(0);
    expect(await page.locator('figure svg[role=img]').count()).toBeGreaterThanOrEqual(7);
    await page.close();
  });

  test('pairs and tables sort', async () => {
    const { page } = await open(one);
    const labels = () => page.locator('#classes tbody th').allTextContents();
    await page.locator('#classes th button').first().click();
    const up = await labels();
    expect(up).toEqual([...up].sort((a, b) => a.localeCompare(b)));
    await page.locator('#classes th button').first().click();
    expect(await labels()).toEqual([...up].reverse());
    await page.getByLabel('Sort by').selectOption('answer');
    const answers = await page.evaluate<string[]>(
      "[...document.querySelectorAll('.pair')].map((pair) => pair.dataset.taken)",
    );
    expect(answers.length).toBeGreaterThan(2);
    expect(answers).toEqual([...answers].sort((a, b) => a.localeCompare(b)));
    await page.close();
  });

  test.each(['several labels', 'a number', 'labels on tokens'])(
    'hostile texts of %s are shown as they are and do nothing',
    async (what) => {
      const { page, requested } = await open(pages.get(what) ?? '');
      await page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true");
      const texts = await page.locator('.text').allTextContents();
      const shown = (text: string) => text.replace(/[\p{Cc}\u202c\u202e]/gu, '\ufffd');
      for (const text of hostile) expect(texts).toContain(shown(text));
      expect(await page.locator('img, iframe, main script, main link, a[href^=javascript]').count()).toBe(0);
      expect(await hacked(page)).toBeUndefined();
      expect(requested.filter((url) => !/^(file|data):/.test(url))).toEqual([]);
      await page.close();
    },
  );

  test('every drawing has what it draws within its edges', async () => {
    const { page } = await open(pages.get('runs of all kinds') ?? '', { viewport: { width: 1440, height: 900 } });
    const outside = await page.evaluate<string[]>(`
      [...document.querySelectorAll('figure svg')].flatMap((svg) => {
        const box = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('path, circle, rect, line, text')].flatMap((part) => {
          const own = part.getBoundingClientRect();
          const isIn = own.left > box.left - 2 && own.right < box.right + 2 && own.top > box.top - 2 && own.bottom < box.bottom + 2;
          return isIn ? [] : [svg.getAttribute('aria-label') + ': ' + part.outerHTML.slice(0, 80)];
        });
      })`);
    expect(outside).toEqual([]);
    await page.close();
  });
});
