import { counted } from '../../core/errors.ts';
import type { TaggedText } from '../../data/tagged/readTagged.ts';
import type { Engine } from '../../engine/engine.ts';
import { saveText } from '../../hub/textFolder.ts';
import type { TextModel } from '../../models/text/model.ts';
import { asTensors, type ParameterValues } from '../../nn/parameters.ts';
import type { Resolved } from '../../settings/options.ts';
import { TextInference } from '../../tasks/text/inference.ts';
import { type CutText, cutText } from '../../text/tagging/cutText.ts';
import { tagDecoder } from '../../text/tagging/decode.ts';
import { tagsOfSpans } from '../../text/tagging/scheme.ts';
import { onUnits } from '../../text/tagging/units.ts';
import { baseFacts, modelFacts } from '../baseFacts.ts';
import type { FoundModel } from '../findModel.ts';
import { note } from '../note.ts';
import type { Finished } from '../run.ts';
import { type ReadModel, randomValues, readModel, sequenceLength } from '../textModel.ts';
import type { FinetuneOptions, JobHooks, TokensFinetuneResult } from '../types.ts';
import { modelScheme, type TagData } from './tagData.ts';

/** What a run that learns labels on tokens goes by. */
export interface TokenRun {
  readonly given: Resolved<'finetune'>;
  readonly options: FinetuneOptions;
  readonly data: TagData;
  readonly engine: Engine;
  readonly hooks: JobHooks;
}

/** A text cut into words, with the tag of each. */
export interface CutTagged {
  readonly source: TaggedText;
  readonly cut: CutText;
  /** Numbers of the tags [words]. */
  readonly tags: Int32Array;
}

/** The encoder that a run starts from, and its texts as it reads them. */
export class TokenBase {
  readonly found: FoundModel;
  readonly loaded: ReadModel;
  /** With the run's tags and dropout. */
  readonly model: TextModel;
  /** Values of the encoder and its token classifier. */
  readonly values: ParameterValues;
  /** Whether there is no token classifier yet. */
  readonly isNew: boolean;
  /** Tokens of a window, special ones included. */
  readonly maxLength: number;
  readonly train: readonly CutTagged[];
  readonly held: readonly CutTagged[];
  readonly #run: TokenRun;

  private constructor(run: TokenRun, found: FoundModel, loaded: ReadModel) {
    const { given, options, data, hooks } = run;
    this.#run = run;
    this.found = found;
    this.loaded = loaded;
    this.model = loaded.model.withDropout(options.dropout);
    this.values = given.randomStart ? randomValues(this.model, 'tokenLabels', given.seed) : loaded.values;
    this.isNew = given.randomStart || loaded.atRandom.includes('tokenClassifier');
    this.maxLength = sequenceLength(loaded, given.maxLength, options.model);
    this.train = this.#cut(data.train, 'training', hooks);
    this.held = this.#cut(data.held, 'held-out', hooks);
  }

  /** Throws what `readModel` throws. */
  static async open(run: TokenRun, found: FoundModel): Promise<TokenBase> {
    const { given, data, hooks } = run;
    // The tokens' own hidden states are read, whatever else the folder has behind its encoder.
    const wanted = {
      head: 'tokenLabels',
      reads: 'pooler',
      labels: data.tags,
      seed: given.seed,
      isFitted: true,
    } as const;
    const loaded = await readModel(found, wanted, (line) => note(hooks, line));
    return new TokenBase(run, found, loaded);
  }

  #cut(texts: readonly TaggedText[], which: string, hooks: JobHooks): CutTagged[] {
    const { tokenizer } = this.loaded;
    const numbers = new Map(this.#run.data.tags.map((tag, i) => [tag, i]));
    let [snapped, lost] = [0, 0];
    const cut = texts.map((source) => {
      const found = cutText(tokenizer, source, this.maxLength - tokenizer.frame.size);
      const on = onUnits(found.units, source.spans);
      snapped += on.snapped;
      lost += on.lost;
      const tags = tagsOfSpans(on.spans, found.units.length, modelScheme);
      return { source, cut: found, tags: Int32Array.from(tags, (tag) => numbers.get(tag) ?? 0) };
    });
    const entities = (count: number) => counted(count, `${which} entity`, `${which} entities`);
    if (snapped > 0) note(hooks, `${entities(snapped)} beginning or ending within a word: taken with all of it`);
    if (lost > 0) note(hooks, `${entities(lost)} without a word of its own: left out`);
    return cut;
  }

  get decoder() {
    const { tags } = this.#run.data;
    return { decoder: tagDecoder(tags, modelScheme), labels: tags };
  }

  /** What runs the model with these values. */
  inference(values: ParameterValues, signal = this.#run.hooks.signal): TextInference {
    const parameters = asTensors(values, this.model.parameters(this.model.partsOf('tokenLabels')));
    return new TextInference(this.#run.engine, this.model, this.loaded.tokenizer.frame, parameters, { signal });
  }

  /** Writes the run's model. */
  async save(values: ParameterValues): Promise<void> {
    const { raw, tokenizer, model } = this.loaded;
    await saveText(this.#run.options.output, {
      ...{ model, head: 'tokenLabels', raw, values, maxLength: this.maxLength },
      tokenizerFiles: tokenizer.files(),
      tagScheme: modelScheme,
    });
  }

  async card(): Promise<Finished<TokensFinetuneResult>['card']> {
    const { given, hooks } = this.#run;
    return {
      about: modelFacts(this.model, 'tokenLabels', null),
      base: given.randomStart ? undefined : await baseFacts(this.found, hooks),
    };
  }
}
