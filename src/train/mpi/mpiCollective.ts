import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Collective } from '../../core/collective.ts';
import { BertuneError } from '../../core/errors.ts';
import type { MpiLibrary } from './library.ts';

/** Most elements of one call: their number is of 32 bits, and so is what libraries count within. */
const mostElements = 1 << 28;
const mostBytes = 2 ** 31 - 1;
/** Milliseconds in which an operation is looked after all the time, before the processor is left to others. */
const busyMs = 2;
/** Milliseconds of waiting after which it is looked whether the others are still there. */
const checkEveryMs = 500;

/**
 * All processes of an MPI world. Whoever comes first waits without holding the thread or the processor, so that signals
 * are heard; once all have come, the transfer itself holds the thread.
 *
 * @param checkOthers called now and then while others are waited for; throws when there is nobody to wait for
 */
export function mpiCollective(mpi: MpiLibrary, checkOthers: () => void): Collective {
  const { world } = mpi;
  const [rank, size] = [askNumber(mpi, 'MPI_Comm_rank'), askNumber(mpi, 'MPI_Comm_size')];
  const arrive = async () => {
    const request = new Uint8Array(8);
    mpi.call('MPI_Ibarrier', world, request);
    await completed(mpi, request, { checkOthers });
  };
  return {
    ...{ rank, size },
    async sum(values) {
      await arrive();
      const type = values instanceof Float32Array ? mpi.float : mpi.double;
      for (let from = 0; from < values.length; from += mostElements) {
        const part = values.subarray(from, from + mostElements);
        mpi.call('MPI_Allreduce', mpi.inPlace, part, part.length, type, mpi.plus, world);
      }
    },
    async exchange(parts) {
      if (parts.length !== size) throw new Error(`${parts.length} parts for ${size} processes`);
      await arrive();
      const lengths = Int32Array.from(parts, ({ byteLength }) => byteLength);
      const coming = new Int32Array(size);
      mpi.call('MPI_Alltoall', lengths, 4, mpi.byte, coming, 4, mpi.byte, world);
      const [from, to] = [placesOf(lengths), placesOf(coming)];
      const sent = new Uint8Array(from.total);
      for (const [i, part] of parts.entries()) sent.set(part, from.places[i]);
      const received = new Uint8Array(to.total);
      mpi.call('MPI_Alltoallv', sent, lengths, from.places, mpi.byte, received, coming, to.places, mpi.byte, world);
      return Array.from(to.places, (place, i) => received.subarray(place, place + (coming[i] ?? 0)));
    },
  };
}

interface Waiting {
  /** How long it may take; for ever when absent. */
  readonly patienceMs?: number;
  readonly checkOthers?: () => void;
}

/**
 * Waits for an operation of MPI that was begun, without holding the thread.
 *
 * @returns whether it is done
 */
export async function completed(
  mpi: MpiLibrary,
  request: Uint8Array,
  { patienceMs, checkOthers }: Waiting,
): Promise<boolean> {
  const done = new Int32Array(1);
  // More room than any library's status takes.
  const status = new Uint8Array(256);
  const began = performance.now();
  let checked = began;
  for (;;) {
    mpi.call('MPI_Test', request, done, status);
    if (done[0] !== 0) return true;
    const now = performance.now();
    const waited = now - began;
    if (now - checked > checkEveryMs) {
      checked = now;
      checkOthers?.();
    }
    if (patienceMs !== undefined && waited > patienceMs) return false;
    if (waited < busyMs) await setImmediate();
    else await sleep(1);
  }
}

function askNumber(mpi: MpiLibrary, name: 'MPI_Comm_rank' | 'MPI_Comm_size'): number {
  const number = new Int32Array(1);
  mpi.call(name, mpi.world, number);
  return number[0] ?? 0;
}

/** Where parts of these lengths begin that lie one after the other. */
function placesOf(lengths: Int32Array): { places: Int32Array; total: number } {
  let total = 0;
  const places = Int32Array.from(lengths, (length) => {
    total += length;
    return total - length;
  });
  if (total > mostBytes) throw new BertuneError(`${total} bytes are more than MPI sends at once`);
  return { places, total };
}
