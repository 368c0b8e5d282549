import type { CheckedSet, CheckResult } from '../jobs/check.ts';
import { bar, percent, printable, quantity, shortened, table } from './format.ts';

/** A result of `check` with its findings as the command line spells them. */
type Shown = Omit<CheckResult, 'findings'> & {
  readonly findings: readonly Pick<CheckResult['findings'][number], 'level' | 'text'>[];
};

/** What is in each set, then what is wrong and what is good to know. */
export function checkReport({ data, eval: held, findings }: Shown): string {
  const sets = [['--data', data] as const, ...(held ? [['--eval', held] as const] : [])];
  const lines = findings.map(({ level, text }) => [level, printable(text)]);
  const end = lines.length > 0 ? table(lines, ['left', 'left']) : 'nothing is wrong';
  return [...sets.map(([flag, set]) => setReport(flag, set)), end].join('\n\n');
}

const filesShown = 4;
const columnsShown = 8;
const scriptsShown = 4;
/** Smaller shares of a script are not shown. */
const leastShare = 0.005;

function setReport(
  flag: string,
  { files, columns, leftOut, texts, tokens, labels, unlabeled = 0 }: CheckedSet,
): string {
  const names = files.slice(0, filesShown).map(({ name }) => printable(name));
  const encodings = [...new Set(files.flatMap(({ encoding }) => encoding ?? []))];
  const taken = Object.entries(columns).flatMap(([role, name]) =>
    name === undefined ? [] : `${role}: ${printable(name)}`,
  );
  const left = leftOut.slice(0, columnsShown).map(({ name, holds }) => `${printable(name)} (${holds})`);
  const counts = [
    [texts.empty, 'empty'],
    [texts.repeated, 'repeated'],
    [unlabeled, 'without a label'],
    [texts.shared, 'also in --data'],
  ] as const;
  const told = counts.filter(([count]) => count > 0).map(([count, what]) => `${quantity(count)} ${what}`);
  const { characters, scripts } = texts;
  const rows = [
    [flag, `${names.join(', ')}${andMore(files.length - filesShown)}`],
    ...(encodings.length > 0 ? [['encoding', encodings.join(', ')]] : []),
    ['columns', taken.join(', ')],
    ...(left.length > 0 ? [['left out', `${left.join(', ')}${andMore(leftOut.length - columnsShown)}`]] : []),
    ['rows', `${quantity(texts.rows)}${told.length > 0 ? `: ${told.join(', ')}` : ''}`],
    ['characters', `half the texts up to ${quantity(characters.median)}, the longest ${quantity(characters.most)}`],
    ...(tokens
      ? [
          [
            'tokens',
            `half the texts up to ${quantity(tokens.median)}, 95 % up to ${quantity(tokens.high)}; ${percent(tokens.cut)} over ${tokens.maxLength}`,
          ],
          ['unknown', `${percent(tokens.unknown)} of the tokens`],
        ]
      : []),
    [
      'scripts',
      scripts
        .filter(({ share }) => share >= leastShare)
        .slice(0, scriptsShown)
        .map(({ script, share }) => `${script} ${percent(share)}`)
        .join(', '),
    ],
    ...(labels ? [['classes', quantity(labels.classes.length)]] : []),
  ];
  const sizes = labels ? [classTable(labels.classes)] : [];
  return [table(rows, ['left', 'left']), ...sizes].join('\n\n');
}

const classesShown = 12;
const barCells = 24;

/** The classes, largest first; of many, the largest and the smallest. */
function classTable(classes: NonNullable<CheckedSet['labels']>['classes']): string {
  const sorted = [...classes].sort((a, b) => b.texts - a.texts);
  const most = sorted[0]?.texts ?? 1;
  const row = ({ label, texts }: (typeof sorted)[number]) => [
    shortened(printable(label), 32),
    quantity(texts),
    bar(texts / most, barCells),
  ];
  const half = classesShown / 2;
  const rows =
    sorted.length <= classesShown
      ? sorted.map(row)
      : [
          ...sorted.slice(0, half).map(row),
          [`${quantity(sorted.length - classesShown)} between`],
          ...sorted.slice(-half).map(row),
        ];
  return table([['class', 'texts'], ...rows], ['left', 'right', 'left']);
}

function andMore(count: number): string {
  return count > 0 ? `, and ${count} more` : '';
}
