import { alone } from '../../core/collective.ts';
import { setting } from '../../core/message.ts';
import { sha256 } from '../../data/cacheFolder.ts';
import { sampleLimit } from '../../data/labels.ts';
import type { Resolved } from '../../settings/options.ts';
import { LabelCount } from '../../tasks/text/objectives/oneLabel.ts';
import { classNumbers } from '../classNumbers.ts';
import { readLabels, withTexts } from '../readLabels.ts';
import { refuseOtherData } from '../sameEverywhere.ts';
import { slicesOf } from '../slices.ts';
import { evaluatedCalibration, evaluatedOutOfScope } from '../trust/evaluated.ts';
import { noteKnownTexts } from '../trust/knownTexts.ts';
import { readOutOfScope } from '../trust/outOfScope.ts';
import type { JobHooks } from '../types.ts';
import type { LabelKind } from './labelKind.ts';

/** One right label a text. */
export const oneLabelKind: LabelKind = {
  task: 'one-label',
  async evaluate(measured, settings, hooks) {
    const { labels } = measured;
    const { texts, classes, slices } = await readLabeled(labels, settings, hooks);
    noteKnownTexts(texts, measured.learned, measured.trust, hooks);
    const strange = settings.outOfScope && (await readOutOfScope(settings.outOfScope, hooks));
    const rows = await measured.rows(texts);
    const count = new LabelCount(classes, labels);
    for (const row of rows) count.add(row);
    const { sliceColumn: column } = settings.data;
    return {
      ...count.measure(),
      ...evaluatedCalibration(rows, classes, labels.length, measured.trust),
      ...(strange ? { outOfScope: await evaluatedOutOfScope(measured, texts, strange) } : {}),
      ...(slices && column !== undefined
        ? { slices: { column, slices: slicesOf(slices, count.right, column, hooks) } }
        : {}),
    };
  },
};

/** The texts to measure on with their class numbers. */
async function readLabeled(
  labels: readonly string[],
  options: Resolved<'evaluate'>,
  hooks: JobHooks,
): Promise<{ texts: string[]; classes: number[]; slices?: string[] }> {
  const set = withTexts(await readLabels(options.data, setting('data'), hooks), setting('data'), hooks);
  const limit = options.limit ?? set.labels.length;
  const chosen = sampleLimit({ labels: set.labels, limit, seed: options.seed });
  const classes = classNumbers(set.labels, labels, setting('data'));
  const read = { texts: chosen.map((i) => set.texts[i] as string), classes: chosen.map((i) => classes[i] as number) };
  await refuseOtherData(hooks.collective ?? alone, { data: sha256(JSON.stringify(read)).slice(0, 16) });
  return { ...read, slices: set.slices && chosen.map((i) => set.slices?.[i] as string) };
}
