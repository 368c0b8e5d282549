import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type PairedDifference, pairedDifference, type Summary, summarize } from '../../src/evaluation/paired.ts';
import { type SetName, sets, shotsTitle } from './fewshotSets.ts';
import { allSides } from './fewshotSides.ts';
import { gigabytes, median, percent } from './table.ts';

/** Which row it is. */
export interface Key {
  readonly set: SetName;
  readonly shots: string;
  readonly seed: number;
  /** Folder; null of a side that reads no model. */
  readonly model: string | null;
  readonly side: string;
}

/** What one side did with one seed. */
export interface Row extends Key {
  readonly trained: number;
  /** Test texts, those of classes without a training text included. */
  readonly tested: number;
  readonly correct: number;
  /** From the start of the process to its end: trained, saved and measured. */
  readonly seconds: number;
  readonly peakBytes: number;
  /** The method that `finetune` chose itself. */
  readonly chosen?: string;
  readonly measured: string;
  readonly processor: string;
  readonly cores: number;
  /** Mean number of threads that wanted a core in the minute before. */
  readonly load: number;
}

/** Rows of a file of JSON lines; none where it is not there. @throws Error for a line that is no row */
export function readRows(path: string): Row[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      try {
        return [JSON.parse(line) as Row];
      } catch {
        throw new Error(`${path}: line ${i + 1} is no row of this benchmark, or half a one; remove the line`);
      }
    });
}

export function appendRow(path: string, row: Row): void {
  appendFileSync(path, `${JSON.stringify(row)}\n`);
}

/** The same for the same row alone. */
export function keyOf({ set, shots, seed, model, side }: Key): string {
  return JSON.stringify([set, shots, seed, model, side]);
}

/** A table of the sides on a set with some labels, from one model. */
export interface Group {
  readonly set: SetName;
  readonly shots: string;
  /** Null where no side reads one. */
  readonly model: string | null;
  readonly trained: Summary;
  readonly tested: number;
  readonly sides: readonly SideFigures[];
}

/** A side over its seeds. */
export interface SideFigures {
  readonly side: string;
  readonly seeds: readonly number[];
  /** Share of the test texts that was right. */
  readonly accuracy: Summary;
  /** The median. */
  readonly seconds: number;
  readonly peakBytes: number;
  /** Methods that `finetune` chose itself, by seed. */
  readonly chosen: readonly string[];
  /** Accuracy of `finetune`'s own choice less this one's over the seeds that both have; undefined below two. */
  readonly behind?: PairedDifference;
  /** Median seconds of `finetune`'s own choice over this one's. */
  readonly timeRatio?: number;
}

/** Sides that read no model stand in the table of every model. */
export function groupsOf(rows: readonly Row[]): Group[] {
  const places = new Map<string, Pick<Key, 'set' | 'shots'>>();
  for (const { set, shots } of rows) places.set(`${set}:${shots}`, { set, shots });
  return [...places.values()].flatMap(({ set, shots }) => {
    const here = rows.filter((row) => row.set === set && row.shots === shots);
    const models = [...new Set(here.flatMap(({ model }) => model ?? []))];
    return (models.length > 0 ? models : [null]).map((model) =>
      groupOf(
        { set, shots, model },
        here.filter((row) => row.model === null || row.model === model),
      ),
    );
  });
}

function groupOf(place: Pick<Group, 'set' | 'shots' | 'model'>, rows: readonly Row[]): Group {
  const ofSide = (side: string) => rows.filter((row) => row.side === side).sort((a, b) => a.seed - b.seed);
  const own = ofSide('ladder');
  const names = Object.keys(allSides).filter((side) => rows.some((row) => row.side === side));
  return {
    ...place,
    trained: summarize(rows.map(({ trained }) => trained)),
    tested: Math.max(...rows.map(({ tested }) => tested)),
    sides: names.map((side) => figuresOf(side, ofSide(side), side === 'ladder' ? [] : own)),
  };
}

function figuresOf(side: string, rows: readonly Row[], own: readonly Row[]): SideFigures {
  const paired = rows.flatMap((row) => {
    const other = own.find(({ seed }) => seed === row.seed);
    return other ? [{ own: other, row }] : [];
  });
  const seconds = median(rows.map((row) => row.seconds));
  return {
    side,
    seeds: rows.map(({ seed }) => seed),
    accuracy: summarize(rows.map(accuracyOf)),
    seconds,
    peakBytes: Math.max(...rows.map(({ peakBytes }) => peakBytes)),
    chosen: rows.flatMap(({ chosen }) => chosen ?? []),
    behind:
      paired.length > 1
        ? pairedDifference(
            paired.map((pair) => accuracyOf(pair.row)),
            paired.map((pair) => accuracyOf(pair.own)),
          )
        : undefined,
    timeRatio: paired.length > 0 ? median(own.map((row) => row.seconds)) / seconds : undefined,
  };
}

function accuracyOf({ correct, tested }: Row): number {
  return correct / tested;
}

/** A group as the rows of a printed table, its header first. */
export function groupCells({ sides }: Group): string[][] {
  return [
    ['', 'accuracy', 'lowest–highest', 'time', 'peak memory', 'own choice − it (95 %)', 'time ÷', 'seeds'],
    ...sides.map(({ side, accuracy, seconds, peakBytes, behind, timeRatio, seeds, chosen }) => [
      `${allSides[side]?.title ?? side}${chosenTitle(chosen)}`,
      percent(accuracy.mean),
      range(accuracy),
      duration(seconds),
      gigabytes(peakBytes),
      behind ? `${points(behind.mean)} (${points(behind.low)} to ${points(behind.high)})` : '-',
      timeRatio === undefined ? '-' : timeRatio.toFixed(2),
      seeds.join(' '),
    ]),
  ];
}

/** By seed, or once where every seed chose the same. */
function chosenTitle(chosen: readonly string[]): string {
  if (chosen.length === 0) return '';
  return `: ${(new Set(chosen).size === 1 ? chosen.slice(0, 1) : chosen).join(', ')}`;
}

export function groupTitle({ set, shots, model, trained, tested }: Group): string {
  const texts = trained.lowest === trained.highest ? trained.lowest : `${trained.lowest}–${trained.highest}`;
  const parts = [sets[set].title, `${shotsTitle(shots)} (${texts} texts), measured on ${tested}`];
  return [...parts, ...(model === null ? [] : [modelTitle(model)])].join(', ');
}

/** One Markdown table a model: sides down, sets and shots across; accuracy, its range and the time in every cell. */
export function markdown(groups: readonly Group[]): string {
  const models = [...new Set(groups.map(({ model }) => model))];
  return models
    .map((model) => {
      const mine = groups.filter((group) => group.model === model);
      const names = Object.keys(allSides).filter((side) =>
        mine.some(({ sides }) => sides.some((s) => s.side === side)),
      );
      const header = [
        model === null ? '' : modelTitle(model),
        ...mine.map(({ set, shots }) => `${sets[set].title}, ${shotsTitle(shots)}`),
      ];
      const body = names.map((side) => [
        allSides[side]?.title ?? side,
        ...mine.map(({ sides }) => {
          const figures = sides.find((one) => one.side === side);
          return figures ? markdownCell(figures) : '–';
        }),
      ]);
      return [header, ['---', ...mine.map(() => '---:')], ...body]
        .map((cells) => `| ${cells.join(' | ')} |`)
        .join('\n');
    })
    .join('\n\n');
}

function markdownCell({ accuracy, seconds }: SideFigures): string {
  const spread = accuracy.lowest === accuracy.highest ? '' : ` (${range(accuracy)})`;
  return `${(100 * accuracy.mean).toFixed(1)}${spread}, ${duration(seconds)}`;
}

/** What to know of the machine before the times are believed. */
export function machineLines(rows: readonly Row[]): string[] {
  const machines = [...new Set(rows.map(({ processor, cores }) => `${processor}, ${cores} cores`))];
  // A row before this one leaves a load of about the cores.
  const busy = rows.filter(({ load, cores }) => load > cores + 1).length;
  return [
    `time: median, from the start of the process to the model saved and measured, on ${machines.join('; ')}`,
    ...(busy > 0
      ? [`${busy} of ${rows.length} rows were measured beside other work of the machine: their time is too long`]
      : []),
  ];
}

function modelTitle(model: string): string {
  return basename(model);
}

function range({ lowest, highest }: Summary): string {
  return `${(100 * lowest).toFixed(1)}–${(100 * highest).toFixed(1)}`;
}

function points(share: number): string {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
}

function duration(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${(seconds / 60).toFixed(seconds < 600 ? 1 : 0)} min`;
}
