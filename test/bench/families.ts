import { parseArgs } from 'node:util';
import { familyTypes } from '../../src/models/text/families.ts';
import { fail, ownScript, saveResults } from './environment.ts';
import { stepShapes } from './shapes.ts';
import { stepOptions } from './stepOptions.ts';
import { gigabytes, median, printTable, ratio, seconds } from './table.ts';
import { takeTurns } from './worker.ts';

/**
 * Times one training step of each family beside one of a BERT of the same shape: two processes at a time, which take
 * turns. Flags: --rounds N, --shape base or small, --families A,B, --dropout P.
 */
const others = familyTypes.filter((type) => type !== 'bert');
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    shape: { type: 'string', default: 'small' },
    families: { type: 'string', default: others.join() },
    dropout: { type: 'string', default: '0.1' },
  },
});

const { shape: name } = flags;
if (name !== 'base' && name !== 'small') fail(`--shape knows ${Object.keys(stepShapes).join()}, not ${name}`);
const shape = stepShapes[name];
const results = [];
for (const type of flags.families.split(',')) {
  if (!familyTypes.includes(type)) fail(`--families knows ${others.join()}, not ${type}`);
  const commands = [];
  for (const family of ['bert', type]) {
    commands.push(ownScript(family, 'stepWorker.js', await stepOptions(shape, Number(flags.dropout), family)));
  }
  const workers = await takeTurns(commands, { rounds: Number(flags.rounds), warmUp: 2 });
  results.push(workers.map((worker) => ({ name: worker.name, peakBytes: worker.peakBytes, turns: worker.turns })));
}
saveResults('families', results);

const timeOf = (turns: readonly { readonly seconds: number }[]) => median(turns.map((turn) => turn.seconds));
const { layers, hiddenSize, rows, width } = shape;
printTable(`${name}: ${layers} x ${hiddenSize}, ${rows} x ${width} tokens, whole step`, [
  ['family', 'median', 'fastest', "BERT's median beside it", 'of its time', 'peak memory'],
  ...results.map(([bert, family]) => {
    if (!bert || !family) throw new Error('a side is missing');
    return [
      family.name,
      seconds(timeOf(family.turns)),
      seconds(Math.min(...family.turns.map((turn) => turn.seconds))),
      seconds(timeOf(bert.turns)),
      ratio(timeOf(family.turns), timeOf(bert.turns)),
      gigabytes(family.peakBytes),
    ];
  }),
]);
