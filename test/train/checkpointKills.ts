import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { builtCommand } from '../cli/build.ts';
import { temporaryFolder } from '../temporary.ts';
import type { KillPoint, Operation } from './checkpointOperations.ts';

/** What a program that lives to the end says of its life. */
export interface Life {
  readonly operations: readonly Operation[];
  /** Number of operations before each of the program's acts. */
  readonly starts: readonly number[];
}

/** What a program is started with: the built package, and the program's own. */
export interface Task {
  readonly dist: string;
  readonly folder: string;
  readonly kill?: KillPoint;
}

const tests = fileURLToPath(new URL('..', import.meta.url));

/** A program of this folder's neighbourhood as plain JavaScript for processes of its own, beside the built package. */
export class Program {
  readonly #path: string;
  readonly #dist: string;

  private constructor(path: string, dist: string) {
    this.#path = path;
    this.#dist = dist;
  }

  /** @param source path of a module under test/; of src/ it may import types only */
  static async compile(source: string): Promise<Program> {
    const dist = dirname(dirname(await builtCommand()));
    const out = temporaryFolder();
    writeFileSync(join(out, 'package.json'), '{ "type": "module" }');
    return new Program(compileInto(out, join(tests, source)), dist);
  }

  start(folder: string, kill?: KillPoint): ChildProcess {
    const task: Task = { dist: this.#dist, folder, kill };
    return spawn(process.execPath, [this.#path, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** Lets the program live to the end. */
  async life(folder: string): Promise<Life> {
    const child = this.start(folder);
    let said = '';
    child.stdout?.on('data', (text) => {
      said += text;
    });
    await ended(child);
    return JSON.parse(said);
  }

  /**
   * Lets the program kill itself before each operation of its life, and at up to `cuts` places within those that can be
   * cut, each time in a folder of its own, and looks at what is left.
   *
   * @returns the number of kills
   */
  async killEverywhere(
    life: Life,
    prepare: () => string,
    look: (folder: string, act: number, point: KillPoint) => void | Promise<void>,
    cuts = 4,
  ): Promise<number> {
    const points = killPoints(life.operations, cuts);
    const waiting = points.values();
    const work = async () => {
      for (const point of waiting) {
        const folder = prepare();
        const signal = await ended(this.start(folder, point));
        if (signal !== 'SIGKILL') throw new Error(`survived ${JSON.stringify(point)}: ${signal}`);
        await look(
          folder,
          life.starts.findLastIndex((start) => start <= point.at),
          point,
        );
      }
    };
    await Promise.all([work(), work(), work()]);
    return points.length;
  }
}

/** The signal that ended a process, or its exit status. */
export function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? String(code))));
}

function killPoints(operations: readonly Operation[], cuts: number): KillPoint[] {
  return operations.flatMap(({ pieces }, at) => {
    return [0, ...spread(pieces, cuts)].map((before) => ({ at, pieces: before }));
  });
}

/** Up to `most` places within so many pieces, the first and the last but one among them. */
function spread(pieces: number, most: number): number[] {
  const count = Math.min(most, pieces - 1);
  if (count < 2) return pieces > 0 && most > 0 ? [Math.ceil(pieces / 2)] : [];
  return Array.from({ length: count }, (_, i) => 1 + Math.round((i * (pieces - 2)) / (count - 1)));
}

/** Compiles a module and those of test/ that it imports; returns the path of the compiled one. */
function compileInto(out: string, source: string): string {
  const text = readFileSync(source, 'utf8');
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    },
  });
  const path = join(out, relative(tests, source)).replace(/\.ts$/, '.js');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, outputText);
  for (const [, imported] of outputText.matchAll(/^import .* from ['"](\.[^'"]+)\.js['"];$/gm)) {
    compileInto(out, join(dirname(source), `${imported}.ts`));
  }
  return path;
}
