import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option as Flag } from 'commander';
import { BertuneError, lineOf, UsageError } from '../core/errors.ts';
import { launchOf, type Processes } from '../jobs/processes.ts';
import { type SettingName, settingOf } from '../settings/table.ts';
import type { ValueType } from '../settings/valueTypes.ts';
import {
  type CommandContext,
  type CommandGroup,
  type CommandSpec,
  commandGroups,
  type Settings,
  type Terminal,
} from './command.ts';
import { adaptCommand } from './commands/adapt.ts';
import { auditCommand } from './commands/audit.ts';
import { calibrateCommand } from './commands/calibrate.ts';
import { cardCommand } from './commands/card.ts';
import { checkCommand } from './commands/check.ts';
import { compareCommand } from './commands/compare.ts';
import { curveCommand } from './commands/curve.ts';
import { demoCommand } from './commands/demo.ts';
import { devicesCommand } from './commands/devices.ts';
import { distillCommand } from './commands/distill.ts';
import { embedCommand } from './commands/embed.ts';
import { estimateCommand } from './commands/estimate.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { exportCommand } from './commands/export.ts';
import { fillMaskCommand } from './commands/fillMask.ts';
import { finetuneCommand } from './commands/finetune.ts';
import { imageEmbedCommand } from './commands/imageEmbed.ts';
import { imageFinetuneCommand } from './commands/imageFinetune.ts';
import { imagePretrainCommand } from './commands/imagePretrain.ts';
import { imageProbeCommand } from './commands/imageProbe.ts';
import { imageShowCommand } from './commands/imageShow.ts';
import { inspectCommand } from './commands/inspect.ts';
import { joinCommand } from './commands/join.ts';
import { nextCommand } from './commands/next.ts';
import { predictCommand } from './commands/predict.ts';
import { pretrainCommand } from './commands/pretrain.ts';
import { pushCommand } from './commands/push.ts';
import { reportCommand } from './commands/report.ts';
import { sequencePretrainCommand } from './commands/sequencePretrain.ts';
import { serveCommand } from './commands/serve.ts';
import { tableEmbedCommand, tablePretrainCommand } from './commands/table.ts';
import { tokenizeCommand } from './commands/tokenize.ts';
import { flagName, flagType, groupOf, helpOf, namesOf, spelledAsFlag } from './flags.ts';
import { flushed } from './output.ts';
import { readSettings } from './settings.ts';
import { described, runTogether } from './together.ts';

/** Every command; the help lists them group by group, in this order. */
export const commands: readonly CommandSpec[] = [
  checkCommand,
  auditCommand,
  nextCommand,
  tokenizeCommand,
  adaptCommand,
  estimateCommand,
  pretrainCommand,
  finetuneCommand,
  distillCommand,
  imagePretrainCommand,
  imageProbeCommand,
  imageFinetuneCommand,
  imageEmbedCommand,
  imageShowCommand,
  sequencePretrainCommand,
  tablePretrainCommand,
  tableEmbedCommand,
  demoCommand,
  devicesCommand,
  evaluateCommand,
  compareCommand,
  calibrateCommand,
  curveCommand,
  reportCommand,
  inspectCommand,
  predictCommand,
  embedCommand,
  joinCommand,
  fillMaskCommand,
  serveCommand,
  exportCommand,
  cardCommand,
  pushCommand,
];

/** What the commands of two words share the first one for. */
const groups: Readonly<Record<string, string>> = {
  image: 'learn from images without labels, and measure what was learned',
  sequence: 'learn from a series of numbers by predicting what comes next',
  table: 'learn from the numbers of a table by rebuilding its rows',
};

const mainJob = `
The main job:
  bertune adapt    --model checkpoints/bert-mini-sentences --corpus logs/*.txt --output runs/adapted
  bertune finetune --model runs/adapted --train labeled.csv --output runs/intent
  bertune predict  --model runs/intent --input new.csv
`;

/**
 * Runs one command line.
 *
 * @param argv the words after `bertune`
 * @returns the exit status: 0, 1 for a failed run, 2 for wrong usage, 130 when interrupted
 */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal,
  specs: readonly CommandSpec[] = commands,
): Promise<number> {
  const launch = launchOf(terminal.env);
  if (launch) {
    return runTogether(launch, terminal, async (own, processes) => {
      await createProgram(own, specs, () => {}, processes).parseAsync([...argv], { from: 'user' });
    });
  }
  const code = await parse(argv, terminal, specs);
  await Promise.all([flushed(terminal.stdout), flushed(terminal.stderr)]);
  return code;
}

async function parse(argv: readonly string[], terminal: Terminal, specs: readonly CommandSpec[]): Promise<number> {
  let debug = argv.includes('--debug');
  const onSettings = (settings: { debug?: boolean }) => {
    debug ||= settings.debug === true;
  };
  try {
    await createProgram(terminal, specs, onSettings).parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.stderr.write(errorText(error, debug));
    return error instanceof BertuneError ? error.exitCode : 1;
  }
}

function errorText(error: unknown, debug: boolean): string {
  const message = lineOf(error)
    .spelled(spelledAsFlag)
    .trim()
    .replace(/\s*\n\s*/g, ' ');
  const hint = error instanceof BertuneError || debug ? '' : ' (run again with --debug for the stack trace)';
  const stack = debug && error instanceof Error && error.stack ? `${error.stack}\n` : '';
  return `error: ${message}${hint}\n${stack}`;
}

function createProgram(
  terminal: Terminal,
  specs: readonly CommandSpec[],
  onSettings: (settings: { debug?: boolean }) => void,
  processes?: Processes,
): Command {
  const program = new Command('bertune')
    .description('Adapt BERT to your own text, fine-tune it on a few labels and use it.')
    .version(version(), '--version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: (text, write) => write(`${text.trim().replace(/\s*\n\s*/g, ' ')}\n`),
      getOutHelpWidth: () => terminal.stdout.columns || 100,
      getErrHelpWidth: () => terminal.stderr.columns || 100,
    })
    .configureHelp({
      subcommandTerm: (command) =>
        [command.name(), ...command.registeredArguments.map((a) => `[${a.name()}]`)].join(' '),
    })
    .addHelpText('after', mainJob);
  for (const spec of specs) addCommand(program, spec, { terminal, processes }, onSettings);
  return program;
}

function addCommand(
  program: Command,
  spec: CommandSpec,
  { terminal, processes }: { readonly terminal: Terminal; readonly processes?: Processes },
  onSettings: (settings: { debug?: boolean }) => void,
): void {
  const words = spec.name.split(' ');
  const name = words.pop() ?? spec.name;
  const command = holderOf(program, words[0], spec.group).command(name).description(spec.summary);
  if (words.length === 0) command.helpGroup(headingOf(spec.group));
  if (spec.argument) {
    const { name, description, isRepeated } = spec.argument;
    command.argument(`[${name}${isRepeated ? '...' : ''}]`, description);
  }
  command.addHelpOption(new Flag('-h, --help', 'show this help').helpGroup('General:'));
  const flags = new Map<SettingName, Flag>();
  const others = new Map<SettingName, Flag>();
  for (const name of namesOf(spec)) {
    const type = flagType(spec, name);
    const flag = flagOf(name, spec, type);
    flags.set(name, flag);
    command.addOption(flag);
    const other = alsoFlagOf(name, type);
    if (other) {
      command.addOption(other);
      others.set(name, other);
    }
    // So that a flag can win over the file for a switch, too.
    if (type.argument === undefined || type.canBeOff) command.addOption(new Flag(`--no-${flagName(name)}`).hideHelp());
  }
  command.addHelpText('after', `\nExamples:\n${spec.examples.map((example) => `  ${example}`).join('\n')}\n`);
  command.action(async () => {
    const given = new Map<SettingName, unknown>();
    for (const [name, flag] of [...others, ...flags]) {
      if (command.getOptionValueSource(flag.attributeName()) !== 'cli') continue;
      const value: unknown = command.getOptionValue(flag.attributeName());
      // Values of both spellings of a flag with several count together.
      given.set(name, given.has(name) ? [given.get(name), value].flat() : value);
    }
    const settings = await readSettings(spec, given);
    onSettings(settings);
    const context = { terminal, text: command.args[0], texts: command.args };
    if (processes) await runShared(spec, settings, { ...context, processes });
    else await spec.run(settings, context);
  });
}

/** Runs a command in one of several processes. @throws UsageError for one that knows of no others */
async function runShared(
  spec: CommandSpec,
  settings: Settings,
  context: CommandContext & { readonly processes: Processes },
): Promise<void> {
  const { terminal, processes } = context;
  if (!spec.isShared) {
    throw new UsageError(
      `${spec.name} does not share out its work: start one process, or set BERTUNE_MPI=none to let each do all of it`,
    );
  }
  const { threads = processes.threads } = settings;
  terminal.stderr.write(`${described({ ...processes, threads })}\n`);
  if (settings.threads !== undefined || !namesOf(spec).includes('threads')) return spec.run(settings, context);
  const collective = { ...processes.collective, threads };
  await spec.run({ ...settings, threads }, { ...context, processes: { ...processes, collective } });
}

/** The command that holds those of two words; the program itself holds the others. */
function holderOf(program: Command, name: string | undefined, group: CommandGroup): Command {
  if (name === undefined) return program;
  const found = program.commands.find((command) => command.name() === name);
  if (found) return found;
  return program
    .command(name)
    .description(groups[name] ?? '')
    .helpGroup(headingOf(group))
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false);
}

/** Of a group of commands, in the help. */
function headingOf(group: CommandGroup): string {
  return `${commandGroups[group]}:`;
}

/** The other spelling of a flag, where it has one. */
function alsoFlagOf(name: SettingName, { argument, repeated }: ValueType<unknown>): Flag | undefined {
  const { alsoFlag } = settingOf(name);
  return alsoFlag === undefined
    ? undefined
    : new Flag(`--${alsoFlag} <${argument}${repeated ? '...' : ''}>`).hideHelp();
}

function flagOf(name: SettingName, spec: CommandSpec, { argument, repeated }: ValueType<unknown>): Flag {
  const value = argument === undefined ? '' : ` <${argument}${repeated ? '...' : ''}>`;
  return new Flag(`--${flagName(name)}${value}`, helpOf(spec, name)).helpGroup(`${groupOf(name)}:`);
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '?';
}
