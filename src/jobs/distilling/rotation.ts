import { join } from 'node:path';
import { breathe } from '../../core/interrupt.ts';
import { nearestOrthogonal, principalComponents } from '../../evaluation/pca.ts';
import { Answers, AnswersWriter } from './answers.ts';

/** A teacher's vectors as a student of some width can learn them. */
export interface Turned {
  readonly answers: Answers;
  /** Of what is held out: the same as `answers` where that is a part of it. */
  readonly heldOut: Answers;
  /** Share of the squared length of `answers` that is left: 1 where nothing was cut. */
  readonly energy: number;
  /** Whether all vectors had the length 1. */
  readonly isNormalized: boolean;
}

/** Vectors from which directions are found; more change little. */
const mostSampled = 4096;
/** Vectors that are turned between two looks at the signal. */
const chunk = 1024;
/** How far from 1 a length may be that counts as 1: half precision moves it by less. */
const lengthTolerance = 2e-3;

export interface TurningOptions {
  readonly answers: Answers;
  /** Vectors of texts of their own that are to be turned alike. */
  readonly heldOut: Answers | undefined;
  /** Numbers of a student's vector. */
  readonly size: number;
  /** The student's vectors of texts by their numbers, where it knows something already. */
  readonly own: ((numbers: readonly number[]) => Promise<readonly Float32Array[]>) | undefined;
  /** For the turned vectors. */
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Vectors of a teacher in as many numbers as a student's have. Those that have more are turned so that the first of their
 * principal directions become the axes, which keeps all cosines but for what lies in the directions left out; narrower
 * ones get zeros behind. Then they are turned, which changes no cosine, to be nearest to what the student gives already,
 * so that it does not unlearn what it knows. The student learns them as they are, with no map between the two that would
 * have to be kept.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function turnedTo({ answers, heldOut, size, own, folder, signal }: TurningOptions): Promise<Turned> {
  const isSame = answers.size === size && own === undefined;
  const turn = isSame ? undefined : turningBy(await axesOf(answers, size, own), size);
  const { kept, all, isNormalized } = await turnAll(answers, turn, join(folder, 'turned.f16'), signal);
  if (heldOut) await turnAll(heldOut, turn, join(folder, 'heldOut.f16'), signal);
  const read = (name: string, { length }: Answers) => new Answers([join(folder, name)], length, length, size);
  const turned = isSame ? answers : read('turned.f16', answers);
  const held = heldOut && (isSame ? heldOut : read('heldOut.f16', heldOut));
  const energy = answers.size > size && all > 0 ? Math.min(1, kept / all) : 1;
  return { answers: turned, heldOut: held ?? turned, energy, isNormalized };
}

/** Writes vectors turned, where they are to be, and says how long they are. */
async function turnAll(
  answers: Answers,
  turn: ((row: Float32Array) => Float32Array) | undefined,
  file: string,
  signal: AbortSignal | undefined,
): Promise<{ kept: number; all: number; isNormalized: boolean }> {
  const writer = turn && new AnswersWriter(file);
  let [kept, all, isNormalized] = [0, 0, true];
  try {
    for (let from = 0; from < answers.length; from += chunk) {
      await breathe(signal);
      const count = Math.min(chunk, answers.length - from);
      const rows = Array.from({ length: count }, (_, i) => answers.read(from + i));
      const lengths = rows.map(squares);
      isNormalized &&= lengths.every((square) => Math.abs(Math.sqrt(square) - 1) < lengthTolerance);
      if (!writer || !turn) continue;
      const turned = rows.map(turn);
      all += lengths.reduce((sum, one) => sum + one, 0);
      kept += turned.reduce((sum, row) => sum + squares(row), 0);
      writer.add(turned);
    }
  } finally {
    writer?.close();
  }
  return { kept, all, isNormalized };
}

/** The axes of a student's numbers among a teacher's [size, width]. */
async function axesOf(answers: Answers, size: number, own: TurningOptions['own']): Promise<Float64Array> {
  const width = answers.size;
  const count = Math.min(answers.length, mostSampled);
  const numbers = Array.from({ length: count }, (_, i) => Math.floor((i * answers.length) / count));
  const rows = numbers.map((number) => answers.read(number));
  const axes = width > size ? principalAxes(rows, size) : unitAxes(width, size);
  if (!own) return axes;
  const students = await own(numbers);
  const turn = turningBy(axes, size);
  const sums = new Float64Array(size * size);
  for (const [i, row] of rows.entries()) {
    const [x, y] = [turn(row), students[i] as Float32Array];
    const scale = 1 / Math.max(Math.sqrt(squares(x) * squares(y)), Number.MIN_VALUE);
    for (let a = 0; a < size; a++) {
      const factor = scale * (y[a] as number);
      for (let b = 0; b < size; b++) sums[a * size + b] = (sums[a * size + b] as number) + factor * (x[b] as number);
    }
  }
  const nearest = nearestOrthogonal(sums, size);
  const turned = new Float64Array(size * width);
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < size; b++) {
      const factor = nearest[a * size + b] as number;
      for (let j = 0; j < width; j++) {
        turned[a * width + j] = (turned[a * width + j] as number) + factor * (axes[b * width + j] as number);
      }
    }
  }
  return turned;
}

/** The first principal directions about the origin, since it is from there that cosines are measured. */
function principalAxes(rows: readonly Float32Array[], size: number): Float64Array {
  const width = rows[0]?.length ?? 0;
  const joined = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) joined.set(row, i * width);
  return principalComponents(joined, width, size, 'origin').directions;
}

/** Each number of the teacher's where it is, and zeros behind. */
function unitAxes(width: number, size: number): Float64Array {
  const axes = new Float64Array(size * width);
  for (let i = 0; i < width; i++) axes[i * width + i] = 1;
  return axes;
}

/** The map to coordinates along axes [size, width]. */
function turningBy(axes: Float64Array, size: number): (row: Float32Array) => Float32Array {
  const width = axes.length / size;
  return (row) => {
    const turned = new Float32Array(size);
    for (let c = 0; c < size; c++) {
      let sum = 0;
      for (let j = 0, at = c * width; j < width; j++) sum += (row[j] as number) * (axes[at + j] as number);
      turned[c] = sum;
    }
    return turned;
  };
}

function squares(row: Float32Array): number {
  let sum = 0;
  for (const value of row) sum += value * value;
  return sum;
}
