import { describe, expect, test } from 'vitest';
import { alone, fromFirst, inOrder, ofEach, onFirst, shareOf, sumOf } from '../../src/core/collective.ts';
import { InterruptedError, UsageError } from '../../src/core/errors.ts';
import { say, setting } from '../../src/core/message.ts';
import { inOneProcess } from '../train/processes.ts';

describe.each([1, 2, 3])('%i processes', (size) => {
  const all = size === 1 ? [alone] : inOneProcess(size);
  const inAll = <T>(work: (collective: (typeof all)[number]) => Promise<T>) => Promise.all(all.map(work));

  test('get the sum, and what the first or each of them has', async () => {
    expect(await inAll((one) => sumOf(one, one.rank + 1, 0.5))).toEqual(
      all.map(() => [(size * (size + 1)) / 2, size / 2]),
    );
    expect(await inAll((one) => fromFirst(one, 7 + one.rank))).toEqual(all.map(() => 7));
    const places = all.map((_, rank) => ({ rank, name: `größe ${rank}` }));
    expect(await inAll((one) => ofEach(one, places[one.rank]))).toEqual(all.map(() => places));
  });

  test('get what the first one makes, or what it throws', async () => {
    let calls = 0;
    const made = await inAll((one) => onFirst(one, async () => ({ calls: ++calls })));
    expect(made).toEqual(all.map(() => ({ calls: 1 })));
    const fails = (error: Error) =>
      Promise.allSettled(
        all.map((one) =>
          onFirst(one, () => {
            throw error;
          }),
        ),
      );
    const usage = new UsageError(say`${setting('maxLength')} is too long`);
    for (const end of await fails(usage)) {
      expect(end).toMatchObject({ reason: { exitCode: 2, message: 'maxLength is too long' } });
      const { reason } = end as { reason: UsageError };
      expect(reason.line.spelled(({ key }) => `--${key}`)).toBe('--maxLength is too long');
    }
    for (const end of await fails(new InterruptedError('stopped'))) {
      expect(end).toMatchObject({ reason: expect.any(InterruptedError) });
    }
  });

  test('deal out items and bring what was made of them back into their order', async () => {
    const items = [3, 0, 1, 4, 2];
    const made = await inAll(async (one) => {
      const own: Float64Array[] = [];
      for await (const item of shareOf(items, one)) own.push(new Float64Array(item).fill(item + 0.5));
      return (await inOrder(one, own)).map((values) => [...values]);
    });
    expect(made).toEqual(all.map(() => items.map((item) => new Array(item).fill(item + 0.5))));
  });
});
