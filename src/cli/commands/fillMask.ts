import { UsageError } from '../../core/errors.ts';
import type { LoadedModel } from '../../jobs/types.ts';
import type { CommandContext, CommandSpec, Settings } from '../command.ts';
import { comparedWords, defaultTopK, fillMask, rankedWords } from '../fillMask.ts';
import { historyFile, readHistory, writeHistory } from '../history.ts';
import { given, required, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';
import { type Load, runRepl } from '../repl.ts';

export const fillMaskCommand: CommandSpec = {
  name: 'fill-mask',
  group: 'use',
  summary: 'rank the words for each [MASK] of a text, or open a prompt that does',
  flags: ['model', 'topK', 'targets', 'compare', 'device'],
  required: ['model'],
  argument: { name: 'text', description: 'a text with [MASK]; without it, a prompt opens' },
  examples: [
    "bertune fill-mask --model runs/adapted 'where is my [MASK]?'",
    "bertune fill-mask --model checkpoints/bert-mini-sentences --compare runs/adapted --top-k 10 'my [MASK] was charged twice'",
    'bertune fill-mask --model runs/adapted',
  ],
  async run(settings, context) {
    if (context.text === undefined && settings.json) {
      throw new UsageError('fill-mask --json needs a text: the prompt answers for people');
    }
    const { loadModel } = await import('../../jobs/model.ts');
    const onNote = (note: string) => {
      context.terminal.stderr.write(`${note}\n`);
    };
    const load: Load = async (path) => {
      const model = await withProgress(context, ({ onEvent, signal }) =>
        loadModel(
          path,
          given({
            threads: settings.threads,
            device: settings.device,
            offline: settings.offline,
            onNote,
            onEvent,
            signal,
          }),
        ),
      );
      await checkMlmHead(model);
      return model;
    };
    if (context.text === undefined) await openPrompt(settings, context, load);
    else await answerOnce(context.text, settings, context, load);
  },
};

/** @throws UsageError when the model cannot fill masks: better when it is chosen than at every line */
async function checkMlmHead(model: LoadedModel): Promise<void> {
  try {
    await model.fillMask(model.maskToken, { topK: 1 });
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

async function answerOnce(text: string, settings: Settings, context: CommandContext, load: Load): Promise<void> {
  const ranking = { topK: settings.topK ?? defaultTopK, targets: settings.targets };
  await using(await load(required(settings, 'model')), async (model) => {
    const result = await fillMask(model, text, ranking);
    if (settings.compare === undefined) {
      return writeResult(context, settings, result, () => rankedWords(result));
    }
    await using(await load(settings.compare), async (other) => {
      const otherResult = await fillMask(other, text, ranking);
      const compare = { model: other.path, masks: otherResult.masks };
      const shown = settings.json ? '' : await comparedWords({ model, result }, { model: other, result: otherResult });
      await writeResult(context, settings, { ...result, compare }, () => shown);
    });
  });
}

async function openPrompt(settings: Settings, context: CommandContext, load: Load): Promise<void> {
  const { stdin, stdout, env } = context.terminal;
  const interactive = stdin.isTTY === true && stdout.isTTY === true;
  const file = historyFile(env);
  await runRepl(stdin, stdout, load, {
    model: required(settings, 'model'),
    compare: settings.compare,
    topK: settings.topK,
    targets: settings.targets,
    interactive,
    history: interactive ? readHistory(file) : [],
    onHistory: (lines) => writeHistory(file, lines),
  });
}

async function using(model: LoadedModel, work: (model: LoadedModel) => Promise<void>): Promise<void> {
  try {
    await work(model);
  } finally {
    await model.dispose();
  }
}
