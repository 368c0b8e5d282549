import { say, setting } from '../../core/message.ts';
import { note } from '../note.ts';
import type { MethodName } from '../types.ts';
import type { Base, FinetuneRun } from './base.ts';
import { withoutTexts } from './extended.ts';
import type { Labeled } from './labeled.ts';

/**
 * The method of a run whose texts cannot tell: those that have none of some classes that are to be kept, and those of
 * which no fold can measure anything. Says why.
 *
 * @returns undefined where methods can be tried
 */
export async function methodWithoutTrials(
  run: FinetuneRun,
  openBase: () => Promise<Base>,
): Promise<MethodName | undefined> {
  const { data, hooks } = run;
  if (withoutTexts(data).length > 0) {
    note(
      hooks,
      say`the encoder stays as it is (${setting('method')} frozen): trained on other classes it would forget those without a text`,
    );
    return 'frozen';
  }
  if (canMeasure(data)) return undefined;
  const { readsVectors } = await openBase();
  const method = readsVectors ? oneText : 'finetune';
  note(hooks, say`no class has two texts that differ, so methods cannot be compared: ${setting('method')} ${method}`);
  return method;
}

/** What asks least of texts that nothing is known of: the encoder stays as it is. */
const oneText: MethodName = 'frozen';

/** Whether a fold holds a text of a class that the others have, too. */
function canMeasure({ classes, folds }: Labeled): boolean {
  const seen = new Map<number, number>();
  for (const [i, label] of classes.entries()) {
    const fold = folds[i] as number;
    if (fold < 0) continue;
    const other = seen.get(label);
    if (other !== undefined && other !== fold) return true;
    seen.set(label, fold);
  }
  return false;
}
