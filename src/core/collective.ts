import { BertuneError, defined, InterruptedError, lineOf, UsageError } from './errors.ts';
import { Message, type MessagePart } from './message.ts';

/** Processes that work together. Every one calls the same methods in the same order. */
export interface Collective {
  /** Of this process, from 0; process 0 writes what comes of the work and is the one that is watched. */
  readonly rank: number;
  readonly size: number;
  /** Processes on this machine, this one included; they share its memory. 1 when absent. */
  readonly beside?: number;
  /** Threads that this process's settings hold as its share of the cores; absent where someone asked for a number. */
  readonly threads?: number;
  /** Puts the sum over all processes into every one's array, the same bits everywhere. */
  sum(values: Float32Array | Float64Array): Promise<void>;
  /**
   * Sends part i to process i.
   *
   * @param parts of any lengths, one for each process
   * @returns what each process sent here, in their order
   */
  exchange(parts: readonly Uint8Array[]): Promise<Uint8Array[]>;
}

/** A process that works by itself. */
export const alone: Collective = { rank: 0, size: 1, beside: 1, async sum() {}, exchange: async (parts) => [...parts] };

/** The sums of numbers over all processes, in double precision. */
export async function sumOf(collective: Collective, ...values: readonly number[]): Promise<number[]> {
  const sums = Float64Array.from(values);
  await collective.sum(sums);
  return [...sums];
}

/** What process 0 has for a number that all are to agree on. */
export async function fromFirst(collective: Collective, value: number): Promise<number> {
  const [first = value] = await sumOf(collective, collective.rank === 0 ? value : 0);
  return first;
}

/** What each process has for a value that JSON can hold, in their order. */
export async function ofEach<T>(collective: Collective, value: T): Promise<T[]> {
  if (collective.size === 1) return [value];
  const bytes = encoded(value);
  const all = await collective.exchange(new Array<Uint8Array>(collective.size).fill(bytes));
  return all.map((each) => decoded<T>(each));
}

/**
 * Has process 0 do something, and gives what came of it, which JSON can hold, to all.
 *
 * @throws what the work throws, in all of them
 */
export async function onFirst<T>(collective: Collective, work: () => T | Promise<T>): Promise<T> {
  if (collective.size === 1) return work();
  const { size, rank } = collective;
  if (rank > 0) {
    const [told] = await collective.exchange(new Array<Uint8Array>(size).fill(nothing));
    const { value, failure } = decoded<{ value: T; failure?: Failure }>(defined(told, 'what process 0 tells'));
    if (failure) throw errorOf(failure);
    return value;
  }
  let result: { value: T } | { error: unknown };
  try {
    result = { value: await work() };
  } catch (error) {
    result = { error };
  }
  const told = encoded('error' in result ? { failure: failureOf(result.error) } : result);
  await collective.exchange(new Array<Uint8Array>(size).fill(told));
  if ('error' in result) throw result.error;
  return result.value;
}

/**
 * The items that a process takes of those that are dealt out in turn, such as the micro-batches of an update: what a
 * batch holds and how many there are does not depend on the number of processes.
 */
export async function* shareOf<T>(
  items: Iterable<T> | AsyncIterable<T>,
  { rank, size }: Pick<Collective, 'rank' | 'size'>,
): AsyncGenerator<T> {
  let index = 0;
  for await (const item of items) if (index++ % size === rank) yield item;
}

/** What processes made of items that were dealt out by `shareOf`, in the order of the items, in each of them. */
export async function inOrder(collective: Collective, own: readonly Float64Array[]): Promise<Float64Array[]> {
  if (collective.size === 1) return [...own];
  const lengths = await ofEach(
    collective,
    own.map(({ length }) => length),
  );
  const joined = new Float64Array(own.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const values of own) {
    joined.set(values, end);
    end += values.length;
  }
  const bytes = new Uint8Array(joined.buffer);
  const received = await collective.exchange(new Array<Uint8Array>(collective.size).fill(bytes));
  const values = received.map((each) => new Float64Array(each.slice().buffer));
  const places = values.map(() => 0);
  const count = lengths.reduce((sum, { length }) => sum + length, 0);
  return Array.from({ length: count }, (_, i) => {
    const rank = i % collective.size;
    const from = places[rank] ?? 0;
    const to = from + (lengths[rank]?.[Math.floor(i / collective.size)] ?? 0);
    places[rank] = to;
    return defined(values[rank], 'what a process made').subarray(from, to);
  });
}

/**
 * Rows of numbers of items that are worked on a number at a time: the processes share them out and all get all rows, in
 * the order of the items. What belongs together does not depend on the number of processes.
 */
export async function rowsOfAll<T>(
  collective: Collective,
  items: readonly T[],
  chunk: number,
  work: (part: readonly T[], from: number) => Promise<readonly Float32Array[]>,
): Promise<Float32Array[]> {
  const starts = Array.from({ length: Math.ceil(items.length / chunk) }, (_, i) => i * chunk);
  const own: (readonly Float32Array[])[] = [];
  for await (const from of shareOf(starts, collective)) own.push(await work(items.slice(from, from + chunk), from));
  if (collective.size === 1) return own.flat();
  const joined = own.map((rows) => Float64Array.from([rows.length, ...rows.flatMap((row) => [...row])]));
  return (await inOrder(collective, joined)).flatMap(([count = 0, ...numbers]) => {
    const width = numbers.length / Math.max(1, count);
    return Array.from({ length: count }, (_, i) => Float32Array.from(numbers.slice(i * width, (i + 1) * width)));
  });
}

/** What went wrong in another process, as plain data. */
export interface Failure {
  readonly parts: readonly MessagePart[];
  readonly exitCode: number;
  /** Whether it is an error that bertune means to show. */
  readonly isKnown: boolean;
}

export function failureOf(error: unknown): Failure {
  const isKnown = error instanceof BertuneError;
  return { parts: lineOf(error).parts, exitCode: isKnown ? error.exitCode : 1, isKnown };
}

function errorOf({ parts, exitCode, isKnown }: Failure): Error {
  const line = new Message(parts);
  if (!isKnown) return new Error(String(line));
  if (exitCode === 130) return new InterruptedError(line);
  return exitCode === 2 ? new UsageError(line) : new BertuneError(line);
}

const nothing = new Uint8Array(0);

function encoded(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value) ?? 'null');
}

function decoded<T>(bytes: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(bytes)) as T;
}
