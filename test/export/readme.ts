import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtCommand, runCommand } from '../cli/build.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The README's code block of a language that holds `words`. */
export function snippet(language: string, words: string): string {
  const blocks = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const found = blocks.filter(([, name, code]) => name === language && code?.includes(words));
  const code = found[0]?.[2];
  if (code === undefined || found.length > 1)
    throw new Error(`README: ${found.length} ${language} blocks with ${words}`);
  return code;
}

/** A folder as a reader of the README has it: packages installed, the base model, less text than the whole corpus. */
export async function readerFolder(path: string): Promise<void> {
  await builtCommand();
  mkdirSync(join(path, 'corpora'), { recursive: true });
  mkdirSync(join(path, 'node_modules', '@huggingface'), { recursive: true });
  symlinkSync(join(root, 'checkpoints'), join(path, 'checkpoints'));
  symlinkSync(root, join(path, 'node_modules', 'bertune'));
  const transformers = join('node_modules', '@huggingface', 'transformers');
  symlinkSync(join(root, transformers), join(path, transformers));
  const lines = readFileSync(join(root, 'corpora', 'support.txt'), 'utf8')
    .split('\n')
    .slice(0, 100);
  writeFileSync(join(path, 'corpora', 'support.txt'), lines.join('\n'));
  const [header, ...rows] = readFileSync(join(root, 'corpora', 'intents.train.csv'), 'utf8')
    .trim()
    .split('\n');
  const some = rows.filter((_, i) => i % 5 === 0);
  writeFileSync(join(path, 'corpora', 'intents.train.csv'), [header, ...some].join('\n'));
}

/** Runs a script of a language in a folder. @returns what it wrote @throws with its errors when it fails */
export async function runScript(command: string, code: string, folder: string): Promise<string> {
  const file = join(folder, `script-${++scripts}.${command.includes('python') ? 'py' : 'mjs'}`);
  writeFileSync(file, code);
  const env = { ...process.env, HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'error' };
  const child = spawn(command, [file], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    output.stdout += data;
  });
  child.stderr.on('data', (data) => {
    output.stderr += data;
  });
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (status !== 0) throw new Error(`the script ended with ${status}: ${output.stderr}`);
  return output.stdout;
}

let scripts = 0;

/** The one line of the README's commands that begins so. @throws when there is none, or several */
export function readmeLine(start: string): string {
  const found = [...readme.matchAll(/^ {4}(\S.*)$/gm)]
    .map(([, line]) => line ?? '')
    .filter((line) => line.startsWith(start));
  const [line] = found;
  if (line === undefined || found.length > 1) throw new Error(`README: ${found.length} lines that begin with ${start}`);
  return line;
}

/** The words of a command line, as a shell cuts it; quotes hold a word together. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** Runs a command line as the README shows it. @throws when it fails */
export async function runReadmeCommand(line: string, folder: string): Promise<string> {
  if (!readme.includes(`    ${line}\n`)) throw new Error(`README: no line ${line}`);
  const { code, stdout, stderr } = await runCommand(line.replace(/^(?:HF_TOKEN=\S+ )?npx bertune /, '').split(' '), {
    cwd: folder,
  });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}
