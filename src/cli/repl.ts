import { createInterface, type Interface } from 'node:readline';
import { lineOf } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import type { LoadedModel } from '../jobs/types.ts';
import { settings } from '../settings/table.ts';
import { comparedWords, defaultTopK, fillMask, hasMask, maskHint, type Ranking, rankedWords } from './fillMask.ts';
import { spelledAsFlag } from './flags.ts';
import { printable, table } from './format.ts';
import { historySize } from './history.ts';
import { readValue } from './values.ts';

/** Loads the model of a folder. */
export type Load = (path: string) => Promise<LoadedModel>;

export interface ReplOptions {
  /** Folder of the model. */
  readonly model: string;
  /** Folder of a second model to show beside it. */
  readonly compare?: string;
  readonly topK?: number;
  readonly targets?: readonly string[];
  /** Whether to prompt and edit lines; a pipe has neither. */
  readonly interactive?: boolean;
  /** Earlier lines, latest first; only when interactive. */
  readonly history?: readonly string[];
  /** Receives the lines to keep, latest first, when an interactive prompt ends. */
  readonly onHistory?: (latestFirst: readonly string[]) => void;
}

const prompt = '> ';

/**
 * The fill-mask prompt: answers each line of `input` on `output`, in order, until the input ends or a line is `/quit`.
 * What is wrong with a line is its answer and ends nothing.
 *
 * @throws what `load` throws for the first models.
 */
export async function runRepl(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  load: Load,
  options: ReplOptions,
): Promise<void> {
  const lines = openLines(input, output, options);
  // Asked for before anything else is awaited: readline drops lines that nobody listens for.
  const iterator = lines[Symbol.asyncIterator]();
  const say = (text: string) => output.write(`${text}\n`);
  const session: Session = { model: undefined, compare: undefined, topK: options.topK ?? defaultTopK, say, load };
  session.targets = options.targets;
  try {
    session.model = await load(options.model);
    if (options.compare !== undefined) session.compare = await load(options.compare);
    if (options.interactive) {
      say(`${maskHint} (/help lists the commands)`);
      lines.prompt();
    }
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      if ((await answer(next.value.trim(), session)) === 'quit') break;
      if (options.interactive) lines.prompt();
    }
  } finally {
    lines.close();
    await session.model?.dispose();
    await session.compare?.dispose();
  }
}

interface Session {
  model: LoadedModel | undefined;
  compare: LoadedModel | undefined;
  topK: number;
  targets?: readonly string[];
  readonly say: (text: string) => void;
  readonly load: Load;
}

function openLines(input: NodeJS.ReadableStream, output: NodeJS.WritableStream, options: ReplOptions): Interface {
  if (!options.interactive) return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const lines = createInterface({
    input,
    output,
    terminal: true,
    prompt,
    historySize,
    history: [...(options.history ?? [])],
    removeHistoryDuplicates: true,
  });
  let kept: readonly string[] = options.history ?? [];
  lines.on('history', (history) => {
    kept = [...history];
  });
  lines.on('SIGINT', () => cancelLine(lines, output));
  lines.on('close', () => {
    output.write('\n');
    options.onHistory?.(kept);
  });
  return lines;
}

/** Leaves what was typed on the screen, and starts anew below it. */
function cancelLine(lines: Interface, output: NodeJS.WritableStream): void {
  const empty = lines.line === '';
  lines.write(null, { ctrl: true, name: 'e' });
  output.write(empty ? '^C (Ctrl-D or /quit leaves)\n' : '^C\n');
  lines.write(null, { ctrl: true, name: 'u' });
  if (empty) lines.prompt();
}

async function answer(line: string, session: Session): Promise<'quit' | undefined> {
  if (line === '') return;
  try {
    if (/^\/quit\b/.test(line)) return 'quit';
    if (line.startsWith('/')) await obey(line, session);
    else await fill(line, session);
  } catch (error) {
    session.say(`error: ${printable(lineOf(error).spelled(spelledAsFlag))}`);
  }
}

async function fill(text: string, session: Session): Promise<void> {
  if (!session.model) return;
  const ranking: Ranking = { topK: session.topK, targets: session.targets };
  if (!hasMask(session.model, text)) return session.say(`no [MASK] in the text: ${maskHint}`);
  const result = await fillMask(session.model, text, ranking);
  if (!session.compare) return session.say(rankedWords(result));
  const other = { model: session.compare, result: await fillMask(session.compare, text, ranking) };
  session.say(await comparedWords({ model: session.model, result }, other));
}

interface ReplCommand {
  readonly usage: string;
  readonly help: string;
  run(argument: string, session: Session): void | Promise<void>;
}

const commands: Readonly<Record<string, ReplCommand>> = {
  '/top': {
    usage: '/top 10',
    help: 'how many words are shown for each [MASK]',
    run(argument, session) {
      if (argument !== '') session.topK = readValue(settings.topK.type, argument, '/top');
      session.say(`showing the first ${session.topK}`);
    },
  },
  '/targets': {
    usage: '/targets good,bad',
    help: 'rank these words only; without words: all again',
    async run(argument, session) {
      const targets = argument === '' ? undefined : readValue(settings.targets.type, argument, '/targets');
      if (targets) await session.model?.fillMask('[MASK]', { targets }); // refuses unknown words
      session.targets = targets;
      session.say(session.targets ? `ranking only: ${session.targets.join(', ')}` : 'ranking all words');
    },
  },
  '/compare': {
    usage: '/compare DIR',
    help: 'show a second model beside this one; without a folder: stop',
    async run(argument, session) {
      const previous = session.compare;
      session.compare = argument === '' ? undefined : await session.load(argument);
      await previous?.dispose();
      session.say(
        argument === '' ? 'comparing with no other model' : `comparing ${session.model?.path} with ${argument}`,
      );
    },
  },
  '/model': {
    usage: '/model DIR',
    help: 'use another model',
    async run(argument, session) {
      if (argument === '') return session.say(`the model is ${session.model?.path}`);
      const previous = session.model;
      session.model = await session.load(argument);
      await previous?.dispose();
      session.say(`the model is ${argument}`);
    },
  },
  '/tokens': {
    usage: '/tokens TEXT',
    help: 'the pieces that the model sees, with position and id',
    run(argument, session) {
      if (argument === '') return session.say('/tokens needs a text');
      const pieces = session.model?.tokens(argument) ?? [];
      const rows = pieces.map(({ token, tokenId }, i) => [`  ${i}`, printable(token), String(tokenId)]);
      session.say(table(rows, ['right', 'left', 'right']));
    },
  },
  '/help': {
    usage: '/help',
    help: 'this list',
    run(_argument, session) {
      const rows = Object.values(commands).map(({ usage, help }) => [`  ${usage}`, help]);
      session.say(`${maskHint}\n${table([...rows, ['  /quit', 'leave (also Ctrl-D)']], ['left', 'left'])}`);
    },
  },
};

async function obey(line: string, session: Session): Promise<void> {
  const [name = ''] = line.split(/\s/, 1);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) return command.run(line.slice(name.length).trim(), session);
  const hint = didYouMean(name, [...Object.keys(commands), '/quit']);
  session.say(`unknown command ${printable(name)}${hint}; /help lists the commands`);
}
