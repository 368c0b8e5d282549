import { alone } from '../../core/collective.ts';
import { BertuneError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { sha256 } from '../../data/cacheFolder.ts';
import { asTensors } from '../../nn/parameters.ts';
import type { Resolved } from '../../settings/options.ts';
import { TextInference } from '../../tasks/text/inference.ts';
import { entitiesOf, tagRows, tokenMeasure } from '../../tasks/text/objectives/tokenLabels.ts';
import { cutText } from '../../text/tagging/cutText.ts';
import { tagDecoder } from '../../text/tagging/decode.ts';
import { tagsOfSpans } from '../../text/tagging/scheme.ts';
import { onUnits } from '../../text/tagging/units.ts';
import type { FoundModel } from '../findModel.ts';
import { note } from '../note.ts';
import { openEngine } from '../openEngine.ts';
import { refuseOtherData, refuseOtherEngine } from '../sameEverywhere.ts';
import { readModel, sequenceLength } from '../textModel.ts';
import type { JobHooks, TokensResult } from '../types.ts';
import { modelScheme, readTexts, sampled } from './tagData.ts';
import { entityNames, schemeOf } from './tokenAnswers.ts';

/**
 * Measures a model that labels parts of texts.
 *
 * @throws BertuneError for a label that is not the model's, and what reading texts throws
 */
export async function evaluateTokens(
  found: FoundModel,
  options: Resolved<'evaluate'>,
  hooks: JobHooks,
): Promise<TokensResult> {
  const { collective = alone, signal } = hooks;
  const loaded = await readModel(found, { head: 'tokenLabels' }, (line) => note(hooks, line));
  const { model, values, tokenizer, raw } = loaded;
  const labels = model.config.labels ?? [];
  const maxLength = sequenceLength(loaded, options.maxLength, options.model);
  const texts = sampled(await readTexts(options.data, setting('data'), options, hooks), options.limit, options.seed);
  await refuseOtherData(collective, { data: sha256(JSON.stringify(texts)).slice(0, 16) });
  const types = entityNames(labels);
  const strange = texts.flatMap(({ spans }) => spans).find(({ label }) => !types.includes(label));
  if (strange) {
    throw new BertuneError(
      say`${setting('data')} has ${strange.label}, which is no label of ${options.model}; it has ${types.join(', ')}`,
    );
  }
  const scheme = schemeOf({ labels, raw });
  const numbers = new Map(labels.map((label, i) => [label, i]));
  const cuts = texts.map((text) => cutText(tokenizer, text, maxLength - tokenizer.frame.size));
  const opened = await openEngine(options, hooks);
  await refuseOtherEngine(collective, opened);
  const parameters = asTensors(values, model.parameters(model.partsOf('tokenLabels')));
  const inference = new TextInference(opened.engine, model, tokenizer.frame, parameters, {
    ...{ signal, isSettled: true, int8: options.int8 },
  });
  try {
    const sizes = { before: tokenizer.frame.before.length, labels: labels.length };
    const rows = await tagRows(inference, cuts, sizes, collective);
    const decoder = { decoder: tagDecoder(labels, scheme), labels };
    const measured = cuts.map((cut, i) => {
      const { spans } = onUnits(cut.units, texts[i]?.spans ?? []);
      const tags = tagsOfSpans(spans, cut.units.length, scheme ?? modelScheme);
      return {
        true: texts[i]?.spans ?? [],
        found: entitiesOf(cut, rows[i] ?? [], decoder),
        tags: Int32Array.from(tags, (tag) => numbers.get(tag) ?? -1),
        rows: rows[i] ?? [],
      };
    });
    return tokenMeasure(measured, types);
  } finally {
    await inference.dispose();
  }
}
