import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { python } from '../needs.ts';
import { rowsOf } from '../sentenceFolders.ts';

/** The classes of transformers that models are exchanged as. */
export type Architecture = `${string}ForMaskedLM` | `${string}ForSequenceClassification` | `${string}Model`;

/** What Python makes of a folder; see reference.py. */
export interface PythonModel {
  /** `output_loading_info`: names that are missing, unexpected, mismatched. */
  readonly loading: Record<string, string[]>;
  /** Warnings, logged or raised. */
  readonly said: string[];
  /** The class that the Auto class chose. */
  readonly auto: string;
  /** Types that the weights have when loaded as they are. */
  readonly dtypes: string[];
  readonly labels: string[];
  /** Ids of each text, [CLS] and [SEP] included. */
  readonly ids: number[][];
  /** SHA-256 of each weight in float32. */
  readonly weights: Record<string, string>;
  /** One row a token or, of a classifier, a text; texts in order, without padding. */
  readonly logits: Float32Array;
}

export interface SavedByPython {
  readonly folder: string;
  readonly kind: Architecture;
  readonly config: Record<string, unknown>;
  /** Folder of the tokenizer to save beside the model. */
  readonly tokenizer: string;
  readonly dtype?: string;
  readonly shard?: string;
}

/** What sentence-transformers makes of a folder. */
export interface PythonEncoding {
  /** Warnings, logged or raised, of the default prompt's name alone excepted. */
  readonly said: string[];
  readonly labels: string[];
  /** Of each call, one vector a text. */
  readonly vectors: Float32Array[][];
}

/** A running Python with transformers. */
export class Reference {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    const env = { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'warning' };
    const script = join(import.meta.dirname, 'reference.py');
    this.#process = spawn(python, [script], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async load(folder: string, kind: Architecture, texts: readonly string[]): Promise<PythonModel> {
    const answer = await this.#ask<Omit<PythonModel, 'logits'> & { logits: string }>('load', { folder, kind, texts });
    return { ...answer, logits: floatsOf(answer.logits) };
  }

  /** @param calls options of each call of `encode`, by their names in Python */
  async encode(
    folder: string,
    texts: readonly string[],
    calls: readonly Record<string, unknown>[],
  ): Promise<PythonEncoding> {
    const answer = await this.#ask<Omit<PythonEncoding, 'vectors'> & { vectors: string[] }>('encode', {
      ...{ folder, texts, calls },
    });
    return { ...answer, vectors: answer.vectors.map((rows) => rowsOf(floatsOf(rows), texts.length)) };
  }

  /** Saves a new model; returns the names of the files. */
  save(options: SavedByPython): Promise<string[]> {
    return this.#ask('save', { ...options });
  }

  saveForTorchAlone(folder: string, kind: Architecture, shards = 1): Promise<string[]> {
    return this.#ask('save_for_torch_alone', { folder, kind, shards });
  }

  tokenize(folder: string, texts: readonly string[]): Promise<{ ids: number[][]; size: number; said: string[] }> {
    return this.#ask('tokenize', { folder, texts });
  }

  /** Strings made to go wrong, and their ids, special tokens included. */
  tokenizeDrawn(folder: string, count: number, seed: number): Promise<{ texts: string[]; ids: number[][] }> {
    return this.#ask('tokenize_drawn', { folder, count, seed });
  }

  versions(): Promise<string> {
    return this.#ask('versions', {});
  }

  close(): void {
    this.#process.stdin.end();
    this.#lines.close();
  }

  async #ask<T>(name: string, request: object): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify({ do: name, ...request })}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${python} has stopped; run test/roundtrip/reference.py by hand to see why`);
    const answer = JSON.parse(value);
    if (answer.error !== undefined) throw new Error(`Python: ${answer.error}`);
    return answer.result;
  }
}

function floatsOf(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}
