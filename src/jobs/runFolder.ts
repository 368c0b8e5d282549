import { existsSync, readdirSync, readFileSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { DamagedDocumentError, NewerFormatError } from '../core/document.ts';
import { UsageError } from '../core/errors.ts';
import {
  makeFolder,
  makeFolders,
  removeFolder,
  removeMade,
  removeTemporaries,
  temporaryFolder,
  writeFileAtomic,
} from '../core/files.ts';
import { type FolderLock, refuseHeld, removeLeftLock } from '../core/folderLock.ts';
import { say, setting } from '../core/message.ts';
import { cardFile, mayReplaceCard } from '../hub/modelCard.ts';
import { refuseNewerModel } from '../hub/newerModel.ts';
import { moduleFolders } from '../hub/repoFiles.ts';
import { encoderFile, modulesFile, sentenceFile } from '../hub/sentenceFolder.ts';
import { saveTrustFolder } from '../hub/trustFolder.ts';
import { weightFile } from '../hub/weightFiles.ts';
import { saveWordsPart, wordsFolder } from '../hub/wordsFolder.ts';
import { removeCheckpoints, unknownCheckpoint } from '../train/checkpoints/checkpoints.ts';
import { cardOf } from './cardText.ts';
import { answersFile } from './heldOutAnswers.ts';
import { takeOutput } from './outputFolder.ts';
import { reportFile } from './report.ts';
import {
  type BaseFacts,
  type ModelFacts,
  type RunRecord,
  readableRecord,
  readRecord,
  recordFile,
  writeRecord,
} from './runRecord.ts';
import { packageVersions } from './versions.ts';

/** What a run needs while it lasts. Names with a dot are none of a folder's content. */
const workFolder = '.work';
/** What a run writes, the record last: all of this and the folders of modules are replaced by --overwrite, nothing else. */
export const runFiles = [
  'checkpoints',
  'metrics.jsonl',
  'config.json',
  'model.safetensors',
  'pooler.safetensors',
  modulesFile,
  sentenceFile,
  encoderFile,
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.txt',
  answersFile,
  reportFile,
  recordFile,
];

/** Without these there is no model: numbers of a network, of words or of both, and what they are. */
const modelFiles = [['model.safetensors', join(wordsFolder, weightFile)], ['config.json']];

/** What a run asks of its output folder. */
export interface RunFolderOptions {
  readonly command: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  /** Folders that the run reads. */
  readonly inputs: readonly string[];
}

/**
 * The output folder of one run, which no other process may write to until `release`. Until the run begins, nothing else
 * in it changes, so that a run that fails over its data leaves everything as it was.
 */
export class RunFolder {
  readonly path: string;
  readonly checkpoints: string;
  readonly metrics: string;
  /** The record of an earlier, finished run that is to be resumed: there is nothing left to do. */
  readonly finished: RunRecord | undefined;
  readonly #options: RunFolderOptions;
  #record: RunRecord | undefined;
  /** The topmost folder that had to be made. */
  readonly #made: string | undefined;
  /** Absent where there is nothing left to do, or another process holds it. */
  readonly #lock: FolderLock | undefined;
  /** Where this process works, where another one holds the folder. */
  #aside: string | undefined;

  private constructor(path: string, options: RunFolderOptions, finished: RunRecord | undefined, isHeld = false) {
    this.path = path;
    this.#options = options;
    this.checkpoints = join(path, 'checkpoints');
    this.metrics = join(path, 'metrics.jsonl');
    this.finished = finished;
    if (isHeld) return;
    if (finished) {
      removeLeftLock(path);
      return;
    }
    const { made, lock } = takeOutput(path, options.command);
    this.#made = made;
    this.#lock = lock;
  }

  /**
   * Takes the folder for a run, if it may use it. What a newer version of bertune wrote is not to be used, whatever is asked for:
   * which of its files belong together is not known here.
   *
   * @throws UsageError when it holds another run and neither `resume` nor `overwrite` is asked for, or one that cannot
   * be resumed, when it holds other files, when it is one of the folders that the run reads, when another process writes
   * to it, or when nothing can be written there; NewerFormatError
   */
  static claim(output: string, options: RunFolderOptions): RunFolder {
    const { command, resume, inputs } = options;
    for (const input of inputs) {
      if (samePlace(input, output))
        throw new UsageError(
          say`${setting('output')} ${output} is the model that the run reads; choose another folder`,
        );
    }
    const names = listFolder(output).filter((name) => !name.startsWith('.'));
    // Before all that is said of a run that is there: it may change by the moment.
    refuseHeld(output);
    const holdsRun = names.some((name) => runFiles.includes(name));
    if (holdsRun) {
      refuseNewer(output);
      refuseOtherRun(output, options);
    }
    if (!holdsRun && names.length > 0) {
      throw new UsageError(say`${output} holds other files; choose an empty or new folder for ${setting('output')}`);
    }
    const record = resume && holdsRun ? recordToResume(output, command) : undefined;
    return new RunFolder(output, options, record?.status === 'finished' && record.result ? record : undefined);
  }

  /** The folder of a run that another process holds, which alone writes to it: only what is there can be read. */
  static heldByOther(output: string, options: RunFolderOptions): RunFolder {
    return new RunFolder(output, options, undefined, true);
  }

  /** Whether there are checkpoints that a run without steps would leave behind. */
  holdsCheckpoints(): boolean {
    return !this.#options.overwrite && existsSync(this.checkpoints) && readdirSync(this.checkpoints).length > 0;
  }

  /** Makes an empty folder for what is needed until `release`. */
  work(): string {
    if (!this.#lock) {
      this.#aside ??= temporaryFolder();
      return this.#aside;
    }
    const path = join(this.path, workFolder);
    rmSync(path, { recursive: true, force: true });
    makeFolders(path);
    return path;
  }

  /** Lets go of the folder; removes the work folder, and the output folder with it when it was made for a run that never began. */
  release(): void {
    if (this.#aside !== undefined) removeFolder(this.#aside);
    if (!this.#lock) return;
    rmSync(join(this.path, workFolder), { recursive: true, force: true });
    this.#lock.release();
    if (!this.#record && this.#made !== undefined) removeMade(this.#made, this.path);
  }

  /** @throws BertuneError when the folder went, or another process took it for left */
  check(): void {
    this.#lock?.check();
  }

  /**
   * Writes down that the run has begun, and removes what `overwrite` replaces.
   *
   * @throws UsageError when another run began in the folder after it was claimed
   */
  async begin(configuration: object): Promise<void> {
    this.check();
    refuseNewer(this.path);
    const earlier = readableRecord(this.path);
    if (earlier) refuseOtherRun(this.path, this.#options);
    await makeFolder(this.path);
    await removeTemporaries(this.path, runFiles);
    if (this.#options.overwrite) {
      const modules = modulesOf(this.path);
      // The record goes first: as long as it is there, it vouches for the rest.
      for (const name of runFiles.toReversed()) {
        if (name === 'checkpoints') removeCheckpoints(this.checkpoints);
        else rmSync(join(this.path, name), { recursive: true, force: true });
      }
      for (const module of modules) removeModule(join(this.path, module));
      await saveWordsPart(this.path, undefined);
      await saveTrustFolder(this.path, undefined);
      if (await mayReplaceCard(this.path)) rmSync(join(this.path, cardFile), { force: true });
    }
    const startedAt = this.#options.overwrite ? undefined : earlier?.startedAt;
    this.#record = {
      command: this.#options.command,
      status: 'running',
      startedAt: startedAt || new Date().toISOString(),
      versions: packageVersions(),
      configuration,
    };
    await writeRecord(this.path, this.#record);
  }

  /** Writes down what came of it. */
  async finish(result: object, data?: object): Promise<void> {
    await writeRecord(this.path, this.#finished(result, data));
  }

  /** The same, with the model's card made from it.  @returns whether a card that someone had edited was left alone */
  async finishWithCard(result: object, data: object, about: ModelFacts, base?: BaseFacts): Promise<boolean> {
    const record = { ...this.#finished(result, data), base, about };
    const isReplaced = await mayReplaceCard(this.path);
    // The record as it will be read again: JSON knows no undefined.
    const card = await cardOf(JSON.parse(JSON.stringify(record)), basename(resolve(this.path)));
    if (isReplaced) await writeFileAtomic(join(this.path, cardFile), card);
    await writeRecord(this.path, record);
    return !isReplaced;
  }

  #finished(result: object, data?: object): RunRecord {
    if (!this.#record) throw new Error('internal: the run has not begun');
    this.check();
    return { ...this.#record, status: 'finished', finishedAt: new Date().toISOString(), data, result };
  }
}

/** Folders of the modules that a sentence encoder's folder names. */
function modulesOf(output: string): string[] {
  const path = join(output, modulesFile);
  const folders = existsSync(path) ? (moduleFolders(readFileSync(path, 'utf8')) ?? []) : [];
  return folders.filter((folder) => folder !== '');
}

/** Removes a module, and its folder unless there is more in it. */
function removeModule(folder: string): void {
  for (const name of ['config.json', weightFile]) rmSync(join(folder, name), { force: true });
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

/** @throws NewerFormatError when a newer version of bertune wrote what a folder holds */
function refuseNewer(output: string): void {
  try {
    readableRecord(output);
    refuseNewerModel(output);
    const unknown = unknownCheckpoint(join(output, 'checkpoints'));
    if (unknown) throw new NewerFormatError(`${unknown.path}: ${unknown.reason}; update bertune`);
  } catch (error) {
    if (!(error instanceof NewerFormatError)) throw error;
    throw new NewerFormatError(say`${error.line}, or choose another ${setting('output')}`);
  }
}

/** @throws UsageError unless the run that a folder holds is to be continued or replaced */
function refuseOtherRun(output: string, { resume, overwrite }: RunFolderOptions): void {
  if (resume || overwrite) return;
  throw new UsageError(
    say`${output} holds another run; continue it with ${setting('resume')}, replace it with ${setting('overwrite')}, or choose another ${setting('output')}`,
  );
}

function listFolder(path: string): string[] {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path);
  } catch {
    throw new UsageError(say`${setting('output')} ${path} is not a folder; choose another path`);
  }
}

/** @throws UsageError when the folder's run cannot be continued by this command */
function recordToResume(output: string, command: string): RunRecord {
  let record: RunRecord | undefined;
  let reason = `it has no ${recordFile}`;
  try {
    record = readRecord(output);
  } catch (error) {
    if (!(error instanceof DamagedDocumentError)) throw error;
    reason = error.message;
  }
  if (!record) {
    throw new UsageError(
      say`${output} holds no run to resume (${reason}); choose another ${setting('output')}, or replace what is there with ${setting('overwrite')}`,
    );
  }
  if (record.command !== command) {
    throw new UsageError(
      say`${output} holds a run of ${record.command}, not of ${command}; choose another ${setting('output')}`,
    );
  }
  const lost = modelFiles.find((names) => !names.some((name) => existsSync(join(output, name))))?.[0];
  if (record.status === 'finished' && lost) {
    throw new UsageError(
      say`${output} holds a finished run whose ${lost} is gone; run it anew with ${setting('overwrite')}`,
    );
  }
  return record;
}

function samePlace(a: string, b: string): boolean {
  return existsSync(a) && existsSync(b) ? realpathSync(a) === realpathSync(b) : resolve(a) === resolve(b);
}
