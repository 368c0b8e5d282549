import { existsSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../core/errors.ts';
import { makeFolders, removeMade, writeError } from '../core/files.ts';
import { type FolderLock, refuseHeld } from '../core/folderLock.ts';
import { say, setting } from '../core/message.ts';
import { configFile } from '../hub/modelFolder.ts';
import { refuseNewerModel } from '../hub/newerModel.ts';
import { encoderFile, modulesFile, sentenceFile } from '../hub/sentenceFolder.ts';
import { weightFile } from '../hub/weightFiles.ts';
import { takeOutput } from './outputFolder.ts';

/**
 * What an export consists of, beside the folders of a sentence encoder's modules; this is replaced by --overwrite, and
 * nothing else.
 */
export const exportFiles = [
  ...['onnx', 'tokenizer.json', 'tokenizer_config.json', 'vocab.txt'],
  ...[encoderFile, sentenceFile, modulesFile, 'config.json'],
];
const cardFile = 'README.md';

/** The folder of an export, which no other process may write to until `release`: until `publish`, what is written lies apart in it. */
export class ExportFolder {
  readonly path: string;
  /** Where to write. */
  readonly work: string;
  /** The topmost folder that had to be made. */
  readonly #made: string | undefined;
  readonly #lock: FolderLock;

  /**
   * @throws UsageError when the folder holds an export and `overwrite` is not asked for, when it holds other files,
   * when it is the model's own, when another process writes to it, or when nothing can be written there
   */
  constructor(output: string, model: string, overwrite: boolean) {
    const names = filesOf(output);
    if (names.length > 0 && realpathSync(output) === realpathSync(model)) {
      throw new UsageError(say`${setting('output')} ${output} is the model itself; choose another folder`);
    }
    refuseHeld(output);
    const own = [...exportFiles, ...moduleFolders(output), cardFile];
    const other = names.find((name) => !own.includes(name));
    if (other !== undefined || (names.length > 0 && !names.includes('onnx'))) {
      throw new UsageError(
        say`${output} holds other files (${other ?? names[0]}); choose an empty or new folder for ${setting('output')}`,
      );
    }
    if (names.length > 0 && !overwrite) {
      throw new UsageError(
        say`${output} holds another export; replace it with ${setting('overwrite')}, or choose another ${setting('output')}`,
      );
    }
    refuseNewerModel(output);
    this.path = output;
    this.work = join(output, '.work');
    const { made, lock } = takeOutput(output, 'export');
    this.#made = made;
    this.#lock = lock;
    rmSync(this.work, { recursive: true, force: true });
    makeFolders(this.work);
  }

  /** Puts what was written in its place. */
  publish(): void {
    this.#lock.check();
    try {
      const hasCard = existsSync(join(this.work, cardFile));
      const own = (folder: string) => [...moduleFolders(folder), ...(hasCard ? [cardFile] : []), ...exportFiles];
      for (const name of own(this.path).toReversed()) rmSync(join(this.path, name), { recursive: true, force: true });
      for (const name of own(this.work)) {
        if (existsSync(join(this.work, name))) renameSync(join(this.work, name), join(this.path, name));
      }
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /** Lets go of the folder; removes what was not published, and the folder with it when it was made for an export that failed. */
  release(): void {
    rmSync(this.work, { recursive: true, force: true });
    this.#lock.release();
    if (this.#made !== undefined) removeMade(this.#made, this.path);
  }
}

/** Folders in the top of an export that hold its modules and nothing else. */
function moduleFolders(path: string): string[] {
  const tops = modulePaths(join(path, modulesFile)).map((module) => module.split('/')[0] ?? '');
  return [...new Set(tops)].filter((name) => /^\w[\w.-]*$/.test(name) && holdsModules(join(path, name)));
}

/** What `modules.json` names; nothing when it cannot be read. */
function modulePaths(file: string): string[] {
  try {
    return z
      .array(z.object({ path: z.string() }))
      .parse(JSON.parse(readFileSync(file, 'utf8')))
      .map(({ path }) => path);
  } catch {
    return [];
  }
}

function holdsModules(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.every((entry) => entry.isDirectory() || [configFile, weightFile].includes(entry.name));
}

function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path).filter((name) => !name.startsWith('.'));
  } catch {
    throw new UsageError(say`${setting('output')} ${path} is not a folder; choose another path`);
  }
}
