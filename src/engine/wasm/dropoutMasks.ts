import { BertuneError } from '../../core/errors.ts';
import { sizeOf } from '../../core/tensor.ts';
import type { Graph } from '../../graph/graph.ts';
import { type DrawnMask, masksDrawnOnce } from '../../graph/masks.ts';
import { dropoutHash, keepThreshold } from '../../graph/ops/random.ts';
import { type Code, instruction as i, moduleOf, valueType } from './encoding.ts';
import { arrayMemory } from './memory.ts';

/** Elements that one turn of the loop draws: a vector of bytes. */
const turnElements = 16;

type Run = (
  address: number,
  count: number,
  first: number,
  factor1: number,
  factor2: number,
  factor3: number,
  threshold: number,
) => void;

interface Mask extends DrawnMask {
  /** 1 where the element stays. */
  readonly data: Uint8Array;
}

/**
 * Draws the dropout masks of a graph in one pass each, bit for bit those of the op's lowering, which takes fifteen. Those
 * that a graph draws more than once are left to it.
 */
export class DropoutMasks {
  readonly masks: readonly Mask[];
  readonly #draw: Draw | undefined;

  constructor(graph: Graph) {
    const drawn = masksDrawnOnce(graph);
    const bytes = drawn.map(({ shape }) => wholeTurns(sizeOf(shape)));
    const memory = drawn.length > 0 ? arrayMemory(bytes.reduce((sum, size) => sum + size, 0)) : undefined;
    if (!memory) {
      this.masks = [];
      return;
    }
    let used = 0;
    this.masks = drawn.map((mask, index) => {
      const data = new Uint8Array(memory.buffer, used, sizeOf(mask.shape));
      used += bytes[index] ?? 0;
      return { ...mask, data };
    });
    this.#draw = drawing(memory);
  }

  /** Draws every mask anew. @param keys uint32 [2] of each input of the graph that is a key */
  draw(keys: (input: string) => Uint32Array): void {
    for (const { key, data, attributes } of this.masks) this.#draw?.(data, keys(key), attributes);
  }
}

/** Draws masks one at a time, of any size, to the same bits. */
export class MaskDrawer {
  #room = 0;
  #memory: WebAssembly.Memory | undefined;
  #draw: Draw | undefined;

  /** A mask of so many elements; it may be read until the next one is drawn. @param key uint32 [2], or its bits */
  draw(key: ArrayLike<number>, attributes: Drawn, elements: number): Uint8Array {
    if (!this.#memory || elements > this.#room) {
      this.#memory = arrayMemory(wholeTurns(elements));
      if (!this.#memory)
        throw new BertuneError(`out of address space: no room for a dropout mask of ${elements} bytes`);
      this.#room = elements;
      this.#draw = drawing(this.#memory);
    }
    const data = new Uint8Array(this.#memory.buffer, 0, elements);
    this.#draw?.(data, key, attributes);
    return data;
  }
}

type Drawn = Pick<DrawnMask['attributes'], 'rate' | 'stream'>;
/** Draws a mask into bytes of the memory, with room for whole turns. */
type Draw = (data: Uint8Array, key: ArrayLike<number>, drawn: Drawn) => void;

function drawing(memory: WebAssembly.Memory): Draw {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(hashModule()), { host: { memory } });
  const run = instance.exports.run as Run;
  return (data, { 0: word0 = 0, 1: word1 = 0 }, { rate, stream }) => {
    const first = (word0 + Math.imul(stream, dropoutHash.streamStep)) >>> 0;
    const second = (word1 + Math.imul(stream, dropoutHash.secondStep)) >>> 0;
    const [a, b, c] = [second, first + (second >>> 16), first].map((k) => 2 * k + 1);
    run(data.byteOffset, wholeTurns(data.length), first, a ?? 0, b ?? 0, c ?? 0, keepThreshold(rate));
  };
}

function wholeTurns(elements: number): number {
  return Math.ceil(elements / turnElements) * turnElements;
}

/** `run(address, count, first, factor1, factor2, factor3, threshold)`: `count` bytes, 1 where the element stays. */
function hashModule(): Uint8Array<ArrayBuffer> {
  const [address, count, firstWord, factorWords, thresholdWord] = [0, 1, 2, [3, 4, 5], 6] as const;
  const first = 7; // the first of the vectors
  const [counter, step, ones, threshold] = [first, first + 1, first + 2, first + 3];
  const factors = [first + 4, first + 5, first + 6];
  const hashes = [first + 7, first + 8, first + 9, first + 10];
  const spread = (word: number, vector: number) => [...i.get(word), ...i.splatIntegers, ...i.set(vector)];
  const weyl = (elements: number) => Math.imul(elements, dropoutHash.weyl);
  // x (2x + k): x + x + k, times x
  const round = (x: number, factor: number): Code => [
    ...[...i.get(x), ...i.get(x), ...i.get(x), ...i.addLanes, ...i.get(factor), ...i.addLanes],
    ...[...i.multiplyLanes, ...i.set(x)],
  ];
  const swapHalves = (x: number): Code => [
    ...[...i.get(x), ...i.integer(16), ...i.shiftRight, ...i.get(x), ...i.integer(16), ...i.shiftLeft],
    ...[...i.or, ...i.set(x)],
  ];
  const fourHashes = (x: number): Code => [
    ...[...i.get(counter), ...i.set(x)],
    ...[...i.get(counter), ...i.get(step), ...i.addLanes, ...i.set(counter)],
    ...factors.flatMap((factor, index) => [...(index > 0 ? swapHalves(x) : []), ...round(x, factor)]),
    ...[...i.get(x), ...i.get(threshold), ...i.lessUnsigned, ...i.set(x)],
  ];
  const [a = 0, b = 0, c = 0, d = 0] = hashes;
  const body = [
    ...[...i.vector([0, weyl(1), weyl(2), weyl(3)]), ...i.get(firstWord), ...i.splatIntegers, ...i.addLanes],
    ...i.set(counter),
    ...[...i.integer(weyl(4)), ...i.splatIntegers, ...i.set(step)],
    ...[...i.integer(0x01010101), ...i.splatIntegers, ...i.set(ones)],
    ...spread(thresholdWord, threshold),
    ...factors.flatMap((factor, index) => spread(factorWords[index] ?? 0, factor)),
    ...i.loop([
      ...hashes.flatMap(fourHashes),
      ...i.get(address),
      ...[...i.get(a), ...i.get(b), ...i.narrowLanes, ...i.get(c), ...i.get(d), ...i.narrowLanes, ...i.narrowHalves],
      ...[...i.get(ones), ...i.and, ...i.store(0)],
      ...[...i.get(address), ...i.integer(turnElements), ...i.addIntegers, ...i.set(address)],
      ...[...i.get(count), ...i.integer(turnElements), ...i.subtractIntegers, ...i.tee(count)],
    ]),
  ];
  return moduleOf(new Array(first).fill(valueType.i32), 11, body);
}
