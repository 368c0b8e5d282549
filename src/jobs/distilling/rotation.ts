import { join } from 'node:path';
import { breathe } from '../../core/interrupt.ts';
import { principalComponents } from '../../evaluation/pca.ts';
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
const mostSampled = 8192;
/** Vectors that are turned between two looks at the signal. */
const chunk = 1024;
/** How far from 1 a length may be that counts as 1: half precision moves it by less. */
const lengthTolerance = 2e-3;

/**
 * Vectors of a teacher in as many numbers as a student's have: turned so that the first of their principal directions
 * become the axes, which keeps all cosines but for what lies in the directions left out; narrower ones get zeros behind.
 * A student then learns them as they are, with no map between the two that would have to be kept.
 *
 * @param heldOut vectors of texts of their own that are to be turned alike
 * @param size numbers of a student's vector
 * @param folder for the turned vectors
 * @throws InterruptedError when the signal was aborted
 */
export async function turnedTo(
  answers: Answers,
  heldOut: Answers | undefined,
  size: number,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Turned> {
  const isSame = answers.size === size;
  const turn = isSame
    ? undefined
    : answers.size > size
      ? turning(answers, size)
      : (row: Float32Array) => padded(row, size);
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

/** The map to the first principal directions about the origin, since it is from there that cosines are measured. */
function turning(answers: Answers, size: number): (row: Float32Array) => Float32Array {
  const count = Math.min(answers.length, mostSampled);
  const width = answers.size;
  const rows = new Float32Array(count * width);
  for (let i = 0; i < count; i++) rows.set(answers.read(Math.floor((i * answers.length) / count)), i * width);
  const directions = Float32Array.from(principalComponents(rows, width, size, 'origin').directions);
  return (row) => {
    const turned = new Float32Array(size);
    for (let c = 0; c < size; c++) {
      let sum = 0;
      for (let j = 0, at = c * width; j < width; j++) sum += (row[j] as number) * (directions[at + j] as number);
      turned[c] = sum;
    }
    return turned;
  };
}

function padded(row: Float32Array, size: number): Float32Array {
  const wide = new Float32Array(size);
  wide.set(row);
  return wide;
}

function squares(row: Float32Array): number {
  let sum = 0;
  for (const value of row) sum += value * value;
  return sum;
}
