import type { OptionsOf } from '../../settings/options.ts';
import { resolve } from '../../settings/resolve.ts';
import { checkTexts } from '../answers/labelAnswers.ts';
import type { OpenModel } from '../openModel.ts';
import type { Decided } from '../types.ts';
import { decisionsOf } from './decisions.ts';

/** What programs ask for with `decide`: answers that say what they do not know, and what is promised of them. */
export function decider(model: () => OpenModel) {
  return async (texts: readonly string[], options: OptionsOf<'model.decide'> = {}): Promise<Decided> => {
    checkTexts(texts, 'decide needs a list of texts');
    const asked = resolve('model.decide', options);
    const { answered, promises, lines } = decisionsOf(model(), asked);
    const made = await answered(texts);
    return {
      decisions: made.map(({ answer }) => answer as Decided['decisions'][number]),
      ...{ promises, promised: lines.map(String) },
    };
  };
}
