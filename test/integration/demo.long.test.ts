import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demo } from '../../src/jobs/demo.ts';
import { temporaryFolder } from '../temporary.ts';

/** What the demo is to show; its bounds are guesses that lie well below what is expected. */
test('the demo: the base is worth much over a random start, and adapting it does no harm', async () => {
  const { summaries, adapted, verdict } = await demo({ output: join(temporaryFolder(), 'adapted') });
  expect(summaries.base.mean - summaries['random start'].mean).toBeGreaterThan(0.12);
  expect(summaries.adapted.mean).toBeGreaterThan(summaries.base.mean);
  expect(adapted.perplexityAfter).toBeLessThan(0.5 * (adapted.perplexityBefore ?? 0));
  expect(['helped', 'not shown']).toContain(verdict);
});
