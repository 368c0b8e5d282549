import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { makeFolder, writeFileAtomic } from '../core/files.ts';
import { packageVersions } from './versions.ts';

const recordFile = 'run.json';
/** What a run writes: all of this is replaced by --overwrite, and nothing else. */
const runFiles = [
  'checkpoints',
  'metrics.jsonl',
  'config.json',
  'model.safetensors',
  'pooler.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.txt',
  recordFile,
];

/** `run.json`: what was run, with which settings and versions, and how it ended. */
export interface RunRecord {
  readonly command: string;
  readonly status: 'running' | 'finished';
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Every setting, defaults filled in. */
  readonly configuration: object;
  readonly data?: object;
  readonly result?: object;
}

/** The output folder of one run. */
export class RunFolder {
  readonly path: string;
  readonly checkpoints: string;
  readonly metrics: string;
  /** The record of an earlier, finished run that is to be resumed: there is nothing left to do. */
  readonly finished: RunRecord | undefined;
  #record: RunRecord | undefined;

  private constructor(path: string, finished: RunRecord | undefined) {
    this.path = path;
    this.checkpoints = join(path, 'checkpoints');
    this.metrics = join(path, 'metrics.jsonl');
    this.finished = finished;
  }

  /**
   * Takes a folder for a run.
   *
   * @throws UsageError when it holds another run and neither `resume` nor `overwrite` is asked for, when it holds other
   * files, or when it is one of the folders that the run reads
   */
  static async claim(
    output: string,
    { resume, overwrite, inputs }: { resume?: boolean; overwrite?: boolean; inputs: readonly string[] },
  ): Promise<RunFolder> {
    for (const input of inputs) {
      if (samePlace(input, output))
        throw new UsageError(`--output ${output} is the model that the run reads; choose another folder`);
    }
    const names = listFolder(output);
    const holdsRun = names.some((name) => runFiles.includes(name));
    if (holdsRun && !resume && !overwrite) {
      throw new UsageError(
        `${output} holds another run; continue it with --resume, replace it with --overwrite, or choose another --output`,
      );
    }
    if (!holdsRun && names.length > 0) {
      throw new UsageError(`${output} holds other files; choose an empty or new folder for --output`);
    }
    if (overwrite) for (const name of runFiles) rmSync(join(output, name), { recursive: true, force: true });
    await makeFolder(output);
    const record = resume ? readRecord(output) : undefined;
    return new RunFolder(output, record?.status === 'finished' ? record : undefined);
  }

  /** Writes down that the run has begun. */
  async begin(command: string, configuration: object): Promise<void> {
    const earlier = readRecord(this.path);
    this.#record = {
      command,
      status: 'running',
      startedAt: earlier?.startedAt ?? new Date().toISOString(),
      versions: packageVersions(),
      configuration,
    };
    await this.#write(this.#record);
  }

  /** Writes down what came of it. */
  async finish(result: object, data?: object): Promise<void> {
    if (!this.#record) throw new Error('internal: the run has not begun');
    await this.#write({ ...this.#record, status: 'finished', finishedAt: new Date().toISOString(), data, result });
  }

  #write(record: RunRecord): Promise<void> {
    return writeFileAtomic(join(this.path, recordFile), `${JSON.stringify(record, null, 2)}\n`);
  }
}

function listFolder(path: string): string[] {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path);
  } catch {
    throw new UsageError(`--output ${path} is not a folder; choose another path`);
  }
}

function samePlace(a: string, b: string): boolean {
  return existsSync(a) && existsSync(b) ? realpathSync(a) === realpathSync(b) : resolve(a) === resolve(b);
}

function readRecord(folder: string): RunRecord | undefined {
  const path = join(folder, recordFile);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
