import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Threads of every side. */
export const threads = 2;

export const benchFolder = resolve('test/bench');
export const resultsFolder = join(benchFolder, 'results');
/** Models, corpora, runs and caches of the benchmarks; may be removed at any time. */
export const workFolder = join(resultsFolder, 'work');
/** Where our side keeps tokenized corpora. */
export const cacheFolder = join(workFolder, 'cache');

/** A process to start: what the table calls it, and its command line. */
export interface Command {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Beside the environment of every process. */
  readonly env?: NodeJS.ProcessEnv;
}

/** One of this folder's own scripts, compiled, with its argument as JSON. */
export function ownScript(name: string, script: string, argument: object): Command {
  // Run records read the version from a package.json two folders above the sources.
  copyFileSync('package.json', join(resultsFolder, 'build', 'package.json'));
  return { name, command: process.execPath, args: [join(import.meta.dirname, script), JSON.stringify(argument)] };
}

/**
 * The same of another checkout, whose benchmarks were built, too (`BERTUNE_BEFORE=DIR`): an earlier version takes turns
 * with this one. Nothing without the variable.
 */
export function earlierScript(script: string, argument: object): Command[] {
  const { BERTUNE_BEFORE: folder } = process.env;
  if (!folder) return [];
  const file = resolve(folder, 'test/bench/results/build/test/bench', script);
  if (!existsSync(file)) fail(`${file} is not there; run in ${folder}: npx tsc -p test/bench/tsconfig.json`);
  return [{ name: 'before', command: process.execPath, args: [file, JSON.stringify(argument)] }];
}

/** The `bertune` command as `npm run build` leaves it. */
export function bertuneCommand(args: readonly string[]): Command {
  const program = resolve('dist/cli/main.js');
  if (!existsSync(program)) fail(`${program} is not there; run: npm run build`);
  return { name: 'bertune', command: process.execPath, args: [program, ...args] };
}

/** A Python script of this folder with its argument as JSON. */
export function pythonScript(name: string, script: string, argument: object): Command {
  return { name, command: python(), args: [join(benchFolder, script), JSON.stringify(argument)] };
}

/** Ends the benchmark with one line when the Python named by BERTUNE_PYTHON lacks a module. */
export function requirePython(...modules: string[]): void {
  const lack = pythonLack(...modules);
  if (lack) fail(`${lack}, or pass --only-ours`);
}

/** What to do where the Python named by BERTUNE_PYTHON lacks a module; undefined where it has all of them. */
export function pythonLack(...modules: string[]): string | undefined {
  const { status } = spawnSync(python(), ['-c', `import ${modules.join(', ')}`], { env: childEnvironment() });
  if (status === 0) return undefined;
  return `${python()} lacks one of ${modules.join(', ')}; name a Python in BERTUNE_PYTHON`;
}

/** A file below BERTUNE_DATA; ends the benchmark with one line when it is not there. */
export function dataFile(path: string): string {
  const root = process.env.BERTUNE_DATA;
  if (!root) fail(`BERTUNE_DATA is not set; name the folder that holds ${path}`);
  const file = join(root, path);
  if (!existsSync(file)) fail(`${file} is not there; BERTUNE_DATA names the folder that holds ${path}`);
  return file;
}

/** Keeps a benchmark's figures, with the machine they were measured on, in `results/NAME.json`. */
export function saveResults(name: string, results: object): void {
  mkdirSync(resultsFolder, { recursive: true });
  const machine = { processor: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), load: loadavg() };
  const record = { measured: new Date().toISOString(), machine, node: process.version, threads, results };
  writeFileSync(join(resultsFolder, `${name}.json`), `${JSON.stringify(record, null, 1)}\n`);
}

/** The environment of every process: two threads, caches of its own, no network, no progress bars. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    OMP_NUM_THREADS: String(threads),
    RAYON_NUM_THREADS: String(threads),
    BERTUNE_CACHE: cacheFolder,
    HF_HOME: join(workFolder, 'huggingface'),
    HF_HUB_OFFLINE: '1',
    HF_DATASETS_DISABLE_PROGRESS_BARS: '1',
    TRANSFORMERS_VERBOSITY: 'error',
    TRANSFORMERS_NO_ADVISORY_WARNINGS: '1',
  };
}

export function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

/** A path below the work folder whose parent is there. */
export function workPath(...names: string[]): string {
  const path = join(workFolder, ...names);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

function python(): string {
  return process.env.BERTUNE_PYTHON ?? 'python3';
}
