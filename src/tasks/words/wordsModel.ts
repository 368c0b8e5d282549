import { BertuneError } from '../../core/errors.ts';
import { columnsOf, type WordsWeights } from '../../models/words/words.ts';
import { countKnown } from '../../text/terms/countedTexts.ts';
import { blockNames, keyOfTerm } from '../../text/terms/termScanner.ts';
import { TermTable } from '../../text/terms/termTable.ts';
import { type ChosenTerms, tfidfRows } from '../../text/terms/tfidf.ts';

/** A linear classifier on TF-IDF weights of words and character n-grams. */
export class WordsModel {
  readonly weights: WordsWeights;
  readonly classes: number;
  readonly #table = new TermTable();
  readonly #blocks: Uint8Array;
  readonly #chosen: ChosenTerms;

  /** @throws BertuneError for a term that is there twice, or is none */
  constructor(weights: WordsWeights) {
    const size = columnsOf(weights);
    this.weights = weights;
    this.classes = weights.bias.length;
    this.#blocks = new Uint8Array(size);
    this.#chosen = { columns: Int32Array.from({ length: size }, (_, i) => i), size, idf: weights.idf };
    for (const [block, name] of blockNames.entries()) {
      for (const term of weights.terms[name]) {
        const key = keyOfTerm(term, block);
        const column = this.#table.size;
        if (key === null || this.#table.add(...key) !== column) {
          throw new BertuneError(`its ${name} have ${JSON.stringify(term)} twice, or it is none`);
        }
        this.#blocks[column] = block;
      }
    }
  }

  /** Terms that it reads. */
  get terms(): number {
    return this.#chosen.size;
  }

  /** ln p of every class [classes], of each text, where one of them is right. */
  logProbabilities(texts: readonly string[]): Float32Array[] {
    return this.logits(texts).map(logSoftmax);
  }

  /** What the layer makes of each text [classes]. A text without any term that is known gets what the biases say. */
  logits(texts: readonly string[]): Float64Array[] {
    const { weight, bias, blocks } = this.weights;
    const { classes } = this;
    const counted = countKnown(texts, blocks, this.#table);
    const rows = tfidfRows(counted, this.#blocks, this.#chosen);
    return texts.map((_, i) => {
      const logits = Float64Array.from(bias);
      for (let at = rows.offsets[i] as number; at < (rows.offsets[i + 1] as number); at++) {
        const value = rows.values[at] as number;
        const from = (rows.columns[at] as number) * classes;
        for (let c = 0; c < classes; c++) logits[c] = (logits[c] as number) + value * (weight[from + c] as number);
      }
      return logits;
    });
  }
}

/** ln of the softmax of logits. */
export function logSoftmax(logits: Float64Array): Float32Array {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const log = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  return Float32Array.from(logits, (logit) => logit - log);
}
