import type { OptionsOf } from '../../settings/options.ts';
import { resolve } from '../../settings/resolve.ts';
import { checkLabeled } from '../answers/labelAnswers.ts';
import type { OpenModel } from '../openModel.ts';
import { asTexts } from '../pairsOfTexts.ts';
import type { Decided, TextPair } from '../types.ts';
import { decisionsOf } from './decisions.ts';

/** What programs ask for with `decide`: answers that say what they do not know, and what is promised of them. */
export function decider(model: () => OpenModel) {
  return async (texts: readonly (string | TextPair)[], options: OptionsOf<'model.decide'> = {}): Promise<Decided> => {
    checkLabeled(texts, 'decide needs a list of texts');
    const asked = resolve('model.decide', options);
    const { pairs, path } = model();
    const { answered, promises, lines } = decisionsOf(model(), asked);
    const made = await answered(asTexts(texts, pairs, path));
    return {
      decisions: made.map(({ answer }) => answer as Decided['decisions'][number]),
      ...{ promises, promised: lines.map(String) },
    };
  };
}
