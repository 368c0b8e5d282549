import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import type { Explanation } from '../../src/jobs/types.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { TestFolder } from '../data/files.ts';
import { browserFlags } from '../export/pages.ts';
import { labeledCsv, labeledMessages, saveTinyClassifier, saveTinyModel } from '../jobs/tiny.ts';
import { chromium, needing } from '../needs.ts';

/** The page at `/` with "Why?" checked: words marked in the text, and texts that are left unlabeled. */
needing('chromium').describe('the page says why', () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const folder = new TestFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  const hostile = '🙂 where is my <script>hacked = 1</script><img src=x onerror="hacked = 1"> order, please ?';
  const servers: Record<string, Server> = {};
  let browser: Browser;

  beforeAll(async () => {
    await folder.create();
    await saveTinyModel(at('tiny'));
    await folder.write('train.csv', labeledCsv(labeledMessages(120)));
    const train = { files: [at('train.csv')] };
    await finetune({
      ...{ model: at('tiny'), train, output: at('run'), cache: false, method: 'frozen', threads: 1 },
      ...{ labelTexts: 'none', report: false },
    });
    await saveTinyClassifier(at('network'), ['asks', 'wants', 'thanks']);
    for (const [name, labels, config] of [
      ['pairs', ['no', 'yes'], { text_pairs: { text: 'question', pair: 'answer' } }],
      ['several', ['a', 'b'], { problem_type: 'multi_label_classification' }],
    ] as const) {
      await saveTinyClassifier(at(name), labels);
      const file = at(name, 'config.json');
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...config }));
    }
    const serve = async (names: string[], more: object = {}) =>
      createServer({ models: names.map((name) => at(name)), port: 0, threads: 1, ...more });
    servers.network = await serve(['network', 'several', 'tiny'], { maxExplained: 200 });
    servers.pairs = await serve(['pairs']);
    servers.run = await serve(['run'], { answered: 0.5, coverage: 0.9 });
    browser = await playwright.launch({ executablePath: chromium, args: browserFlags });
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of Object.values(servers)) await server.close();
    await folder.remove();
  });

  const open = async (name: string, text: string, options: Parameters<Browser['newPage']>[0] = {}) => {
    const tab = await browser.newPage(options);
    await tab.goto(`${servers[name]?.url}/?task=predict&why&text=${encodeURIComponent(text)}`);
    await tab.locator('#status', { hasText: 'Explained after' }).waitFor();
    return tab;
  };

  const explanationOf = async (
    name: string,
    texts: Parameters<Awaited<ReturnType<typeof loadModel>>['explain']>[0],
  ) => {
    const model = await loadModel(at(name), { threads: 1 });
    const [explanation] = await model.explain(texts);
    await model.dispose();
    return explanation as Explanation;
  };

  interface Shown {
    readonly whole: string;
    readonly marks: readonly { text: string; sign: string; strength: number; before: string; told: string }[];
  }

  /** Every text with its marks, what is for screen readers alone apart. */
  const shown = (tab: Page) =>
    tab.evaluate<Shown[]>(`[...document.querySelectorAll('.why .marked')].map((given) => {
      const whole = given.cloneNode(true);
      const marks = [...whole.querySelectorAll('mark')].map((mark) => {
        const told = mark.querySelector('.unseen');
        told.remove();
        return { mark, told: told.textContent };
      });
      return {
        whole: whole.textContent,
        marks: marks.map(({ mark, told }) => {
          const range = document.createRange();
          range.setStart(whole, 0);
          range.setEndBefore(mark);
          return { text: mark.textContent, sign: mark.dataset.sign, strength: Number(mark.dataset.strength), before: range.toString(), told };
        }),
      };
    })`);

  /** What is to be marked of a text: words that do at least a tenth of what the strongest does. */
  const expected = (text: string, { words }: Explanation, of?: 'text' | 'pair'): Shown => {
    const most = Math.max(...words.map(({ weight }) => Math.abs(weight)));
    const marked = words.filter((word) => word.of === of && Math.abs(word.weight) >= 0.1 * most);
    return {
      whole: text,
      marks: marked.map(({ text: word, start, weight }) => {
        const [sign, strength] = [weight > 0 ? 'for' : 'against', Math.ceil((4 * Math.abs(weight)) / most)];
        return { text: word, sign, strength, before: text.slice(0, start), told: ` (${sign}, ${strength} of 4)` };
      }),
    };
  };

  test('marks words where they stand, by sign and strength; texts are text', async () => {
    const tab = await open('network', hostile);
    const explanation = await explanationOf('network', [hostile]);
    const [found] = await shown(tab);
    expect(found).toEqual(expected(hostile, explanation));
    expect(new Set(found?.marks.map(({ sign }) => sign))).toEqual(new Set(['for', 'against']));
    expect(await tab.evaluate('window.hacked')).toBeUndefined();
    expect(await tab.locator('main script, main img').count()).toBe(0);
    // Lines tell signs where colours do not, as on paper.
    const styles = await tab.evaluate<string[]>(
      `['for', 'against'].map((sign) => getComputedStyle(document.querySelector('.marked [data-sign=' + sign + ']')).borderBottomStyle)`,
    );
    expect(styles).toEqual(['solid', 'dashed']);
    const top = await tab.locator('.why tr').first().innerText();
    const [most] = [...explanation.words].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
    expect(top.split(/\s+/)).toEqual([
      most?.text,
      `${(most?.weight ?? 0) < 0 ? '−' : '+'}${Math.abs(most?.weight ?? 0).toFixed(2)}`,
    ]);
    // One of the models has several labels: it is answered, and not explained.
    expect(await tab.locator('section').count()).toBe(2);
    expect(await tab.locator('section[aria-label=several] .why').count()).toBe(0);
    await tab.close();
  });

  test('of a pair marks both texts, each under its name', async () => {
    const [text, pair] = ['🙂 is my card here', 'pay 🙂 it now'];
    const tab = await open('pairs', `${text}\n${pair}`);
    const explanation = await explanationOf('pairs', [{ text, pair }]);
    expect(await shown(tab)).toEqual([expected(text, explanation, 'text'), expected(pair, explanation, 'pair')]);
    expect((await tab.locator('.why > .hint').allInnerTexts()).slice(0, 2)).toEqual(['question', 'answer']);
    await tab.close();
  });

  test.each([
    ['network', 390, 'light'],
    ['network', 1440, 'dark'],
    ['pairs', 390, 'dark'],
    ['run', 390, 'light'],
    ['run', 1440, 'light'],
    ['run', 1440, 'dark'],
  ] as const)(
    'of %s at %d pixels, %s: axe finds nothing, and nothing is wider than the page',
    async (name, width, colorScheme) => {
      const text = name === 'pairs' ? 'is my card here\npay it now' : hostile;
      // What is injected is axe; the page's own policy forbids it.
      const tab = await open(name, text, { viewport: { width, height: 844 }, colorScheme, bypassCSP: true });
      for (const summary of await tab.locator('summary').all()) await summary.click();
      expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width);
      await tab.evaluate(axe);
      const violations = await tab.evaluate<{ id: string; nodes: { html: string }[] }[]>(
        'axe.run().then(({ violations }) => violations)',
      );
      expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])).toEqual([]);
      await tab.close();
    },
  );

  test('what is too long is answered all the same, and says why it is not explained', async () => {
    const tab = await open('network', 'my order '.repeat(30));
    expect(await tab.locator('section').first().innerText()).toMatch(
      /Not explained: explain takes texts of 200 characters in all, and these have 270;/,
    );
    expect(await tab.locator('section').first().locator('tr').count()).toBe(3);
    await tab.close();
  });

  test('is not asked where nothing can be explained, and comes and goes with its check box', async () => {
    const tab = await open('network', 'where is my order ?');
    await tab.uncheck('#why');
    await tab.locator('#status', { hasText: /^Answered.*\.$/ }).waitFor();
    await expect.poll(() => tab.locator('.why').count()).toBe(0);
    await tab.check('#why');
    await tab.locator('.why').waitFor();
    await tab.check('input[value=fill-mask]');
    expect(await tab.locator('#whyRow').isVisible()).toBe(false);
    await tab.close();
  });

  test('a text that is left unlabeled has no label, says why, and what is known of such answers', async () => {
    const model = await loadModel(at('run'), { threads: 1 });
    const texts = labeledMessages(40, 12).map(({ text }) => text);
    const { decisions, promised } = await model.decide(texts, { answered: 0.5, coverage: 0.9 });
    await model.dispose();
    const without = decisions.findIndex(({ label }) => label === null);
    const decision = decisions[without];
    const tab = await open('run', texts[without] ?? '');
    expect(await tab.locator('.told').innerText()).toBe('No label');
    const reasons = { strange: 'the text is unlike those that it knows', unsure: 'it is unsure' };
    expect(await tab.locator('section > .hint').first().innerText()).toBe(
      `Left unlabeled: ${reasons[decision?.why ?? 'unsure']}. Set of labels: ${decision?.set?.join(', ') || 'none fits'}.`,
    );
    expect(await tab.locator('.why h3').innerText()).toBe(`Why it would be ${decision?.suggestion}`);
    await tab.locator('summary').click();
    expect(await tab.locator('details .hint').allInnerTexts()).toEqual(promised);
    const other = await open('run', texts[decisions.findIndex(({ label }) => label !== null)] ?? '');
    expect(await other.locator('.told').count()).toBe(0);
    expect(await other.locator('.why h3').innerText()).toMatch(/^Why (asks|wants)$/);
    await tab.close();
    await other.close();
  });
});
