import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { Engine } from '../../engine/engine.ts';
import { plainSettings, type SentenceSettings } from '../../hub/sentenceFolder.ts';
import { saveText } from '../../hub/textFolder.ts';
import type { WordsPart } from '../../hub/wordsFolder.ts';
import type { HubConfig } from '../../models/text/config.ts';
import { readingTitle, type TextModel } from '../../models/text/model.ts';
import { pooledBy } from '../../models/text/sentence/pooling.ts';
import { readsVectors } from '../../models/text/sentence/sentence.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import type { Resolved } from '../../settings/options.ts';
import { baseFacts, modelFacts, wordsUseOf } from '../baseFacts.ts';
import type { FoundModel } from '../findModel.ts';
import { type FrozenVectors, frozenVectors } from '../frozenVectors.ts';
import { note } from '../note.ts';
import type { Finished } from '../run.ts';
import { TextCutter } from '../textCutter.ts';
import { promptOf, type ReadModel, randomValues, readModel, sequenceLength } from '../textModel.ts';
import type { FinetuneOptions, JobHooks, MethodName } from '../types.ts';
import type { FittedBeside } from '../wordsPart.ts';
import { extended, type KnownClasses, knownLabels, readsAsVectors } from './extended.ts';
import type { Labeled, RunTexts } from './labeled.ts';

/** What is asked of a run of fine-tuning, and its data. */
export interface FinetuneRun<Data extends RunTexts = Labeled> {
  readonly given: Resolved<'finetune'>;
  readonly options: FinetuneOptions;
  readonly data: Data;
  readonly engine: Engine;
  readonly hooks: JobHooks;
  /** An empty folder that goes when the run ends. */
  work(): string;
  /** Where the model lies. */
  found(): Promise<FoundModel>;
}

/** The head of one label. */
export const classifierHead = 'oneLabel';

/** Whether a method fits its head to vectors, which a classifier on the encoder's own pooler has none of. */
function needsVectors(method: MethodName | undefined): method is MethodName {
  return method !== undefined && /^(frozen|hybrid|contrastive)/.test(method);
}

/** The encoder that a run starts from, with the place of a classifier behind it, and what it makes of texts. */
export class Base {
  readonly found: FoundModel;
  readonly loaded: ReadModel;
  /** With the run's labels and dropout. */
  readonly model: TextModel;
  /** Values of the encoder and, where the folder has one for these labels, its classifier. */
  readonly values: ParameterValues;
  /** Whether there is no classifier yet. */
  readonly isNew: boolean;
  /** The classifier of the classes that are known, where there are others beside them or some have no text. */
  readonly known: KnownClasses | undefined;
  /** Tokens of a text, special ones included. */
  readonly maxLength: number;
  /** Windows of a long text that are read, at most; 1: its start alone. */
  readonly mostWindows: number;
  readonly cutter: TextCutter;
  #run: FinetuneRun<RunTexts>;
  readonly #prompt: string;
  #trainVectors: Promise<FrozenVectors> | undefined;
  #unlabeledVectors: Promise<FrozenVectors> | undefined;

  private constructor(
    run: FinetuneRun<RunTexts>,
    found: FoundModel,
    loaded: ReadModel,
    mostWindows: number,
    known?: KnownClasses,
    values?: ParameterValues,
  ) {
    const { given, options } = run;
    const { randomStart, seed } = given;
    this.#run = run;
    this.found = found;
    this.loaded = loaded;
    this.model = loaded.model.withDropout(options.dropout);
    this.values = values ?? (randomStart ? randomValues(this.model, run.data.head, seed) : loaded.values);
    this.isNew = randomStart || loaded.atRandom.includes('classifier');
    this.known = known;
    this.maxLength = sequenceLength(loaded, given.maxLength, options.model);
    this.#prompt = this.readsVectors ? promptOf(loaded.sentence, {}, options.model) : '';
    this.mostWindows = mostWindows;
    this.cutter = new TextCutter(loaded.tokenizer, this.maxLength, this.#prompt, mostWindows, loaded.model.pairs);
  }

  /** Throws what `readModel` throws. */
  static async open(run: FinetuneRun<RunTexts>): Promise<Base> {
    const { given, data, hooks } = run;
    const found = await run.found();
    if (given.reads === 'pooler' && needsVectors(given.method)) {
      throw new UsageError(
        say`${setting('reads')} pooler cannot be had with ${setting('method')} ${given.method}, whose head reads vectors; choose a pooling`,
      );
    }
    const reads = given.reads === undefined || given.reads === 'pooler' ? given.reads : pooledBy(given.reads);
    // Known classes stand on what their classifier reads, whatever it is. Methods that compete have to read the same.
    const readsVectors = given.method === undefined || needsVectors(given.method);
    const suited = readsVectors && data.known === 0 ? 'vectors' : 'suited';
    const wanted = { head: data.head, beside: ['pooler'], labels: knownLabels(data), seed: given.seed } as const;
    const read = await readModel(found, { ...wanted, reads: reads ?? suited, isFitted: true }, (line) =>
      note(hooks, line),
    );
    checkSameKind(read, data, given.model);
    const { loaded, known } = extended(run, { ...read, model: read.model.withPairs(data.pairs) }, found);
    const base = new Base(run, found, loaded, 1, known);
    note(hooks, `the classifier reads ${readingTitle(base.model)}`);
    if (given.randomStart) note(hooks, say`${setting('randomStart')}: every weight starts at random`);
    return base;
  }

  /** Whether the classifier reads vectors, rather than being the encoder's own. */
  get readsVectors(): boolean {
    return readsVectors(this.model);
  }

  /** The same with long texts read in at most so many windows. */
  reading(mostWindows: number): Base {
    return new Base(this.#run, this.found, this.loaded, mostWindows, this.known);
  }

  /** The same with other values of the encoder. */
  withValues(values: ParameterValues): Base {
    return new Base(this.#run, this.found, this.loaded, this.mostWindows, this.known, values);
  }

  /** The texts that are trained on. */
  get trained(): RunTexts {
    return this.#run.data;
  }

  /** How texts are read, as settings of the run. */
  get settings(): { readonly maxLength: number; readonly longTexts?: 'windows' } {
    return { maxLength: this.maxLength, ...(this.mostWindows === 1 ? {} : { longTexts: 'windows' }) };
  }

  /** Sequences that texts are read in: a long one may take several. */
  sequences(texts: readonly string[]): number {
    if (this.mostWindows === 1) return texts.length;
    const cutter = new TextCutter(
      this.loaded.tokenizer,
      this.maxLength,
      this.#prompt,
      this.mostWindows,
      this.model.pairs,
    );
    return texts.reduce((sum, text) => sum + cutter.windows(text).length, 0);
  }

  /** Vectors of the training texts as the encoder makes them before it is trained. */
  trainVectors(hooks?: JobHooks): Promise<FrozenVectors> {
    this.#trainVectors ??= this.vectorsOf(this.trained.texts, this.values, hooks);
    return this.#trainVectors;
  }

  /** Takes other training texts from now on, whose vectors are there already. */
  trainsOn(data: RunTexts, vectors: FrozenVectors): void {
    this.#run = { ...this.#run, data };
    this.#trainVectors = Promise.resolve(vectors);
  }

  /** Vectors of the training texts and of those that measure the result, by the encoder as it is. */
  async allVectors(): Promise<{ readonly train: FrozenVectors; readonly held: FrozenVectors }> {
    const { texts, held } = this.#run.data;
    if (this.#trainVectors) return { train: await this.#trainVectors, held: await this.vectorsOf(held.texts) };
    const all = await this.vectorsOf([...texts, ...held.texts]);
    const border = texts.length * all.size;
    // What was found and what was cut is told of all of them, once.
    return {
      train: { ...all, data: all.data.subarray(0, border) },
      held: { ...all, data: all.data.subarray(border), found: 0, truncated: 0 },
    };
  }

  /** Vectors of some of the texts without labels: as many as do not take long. */
  unlabeledVectors(): Promise<FrozenVectors> {
    this.#unlabeledVectors ??= this.vectorsOf(this.someUnlabeled);
    return this.#unlabeledVectors;
  }

  /** As many of the texts without labels as do not take long. */
  get someUnlabeled(): readonly string[] {
    return upTo(this.#run.data.unlabeled ?? [], mostCharacters);
  }

  /** Vectors of texts, by the encoder as it is or by weights that it got. */
  async vectorsOf(
    texts: readonly string[],
    values: ParameterValues = this.values,
    hooks: JobHooks = this.#run.hooks,
  ): Promise<FrozenVectors> {
    const { engine, given } = this.#run;
    const { tokenizer, sentence } = this.loaded;
    const read = this.readsVectors ? { model: this.model, values } : readsAsVectors(this.model, values);
    return frozenVectors(
      {
        ...{ ...read, engine, tokenizer, maxLength: this.maxLength, prompt: this.#prompt },
        mostWindows: this.mostWindows,
        lowerCase: sentence?.lowerCase,
        pairs: this.model.pairs,
        // Kept vectors may differ in the last bit from those made together, and a run in steps is to be repeated exactly.
        cache: given.method === 'frozen' && this.readsVectors ? given.cache : false,
      },
      texts,
      hooks,
    );
  }

  /**
   * Writes the run's model.
   *
   * @param values of the encoder and its classifier
   * @param words what stands beside it
   * @param own further keys of `config.json`
   */
  async save(values: ParameterValues, words?: WordsPart, own?: HubConfig): Promise<void> {
    const { loaded, maxLength, mostWindows } = this;
    const { raw, beside, tokenizer } = loaded;
    await saveText(this.#run.options.output, {
      ...{ model: loaded.model, head: this.#run.data.head, raw, values, maxLength, mostWindows, words, own },
      tokenizerFiles: tokenizer.files(),
      ...(this.model.sentence
        ? { pooler: beside.size > 0 ? beside : undefined, sentence: this.#sentenceSettings() }
        : {}),
    });
  }

  /** What a model card says of the run's model. @param beside what stands beside it */
  async card(beside?: FittedBeside): Promise<Finished<object>['card']> {
    const { given, hooks } = this.#run;
    return {
      about: {
        ...modelFacts(this.model, this.#run.data.head, this.#sentenceSettings()),
        ...(this.mostWindows === 1 ? {} : { mostWindows: this.mostWindows }),
        ...(this.model.pairs && { pairs: this.model.pairs }),
        ...(beside ? { words: wordsUseOf(beside.words, beside.c, beside.weight) } : {}),
      },
      base: given.randomStart ? undefined : await baseFacts(this.found, hooks),
    };
  }

  #sentenceSettings(): SentenceSettings {
    return { ...(this.loaded.sentence ?? plainSettings), maxLength: this.maxLength };
  }
}

/** @throws UsageError where the classifier that would be gone on with reads pairs and the texts are none, or the other way round */
function checkSameKind({ model, atRandom }: ReadModel, { pairs }: RunTexts, name: string): void {
  if (atRandom.includes('classifier') || (model.pairs === null) === (pairs === null)) return;
  const [known, own] = pairs ? ['single texts', 'pairs'] : ['pairs of texts', 'single texts'];
  throw new UsageError(
    say`${name} has a classifier of ${known} for these labels, and ${setting('train')} holds ${own}; start from a model without it`,
  );
}

/** Characters of texts without labels whose vectors are made. */
const mostCharacters = 2_000_000;

/** The first texts with so many characters. */
function upTo(texts: readonly string[], characters: number): string[] {
  const taken: string[] = [];
  let room = characters;
  for (const text of texts) {
    room -= text.length;
    if (room < 0) break;
    taken.push(text);
  }
  return taken;
}
