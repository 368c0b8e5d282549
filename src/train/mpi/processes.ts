import { availableParallelism } from 'node:os';
import { type Collective, type Failure, ofEach } from '../../core/collective.ts';
import { BertuneError } from '../../core/errors.ts';
import type { Launch } from './launcher.ts';
import { type MpiLibrary, openLibrary } from './library.ts';
import { completed, mpiCollective } from './mpiCollective.ts';
import { checkPeers, type Place, placeOfProcess } from './peers.ts';

/** This process as one of several that MPI connects. */
export interface Processes {
  readonly collective: Collective;
  /** Name of the MPI library. */
  readonly mpi: string;
  readonly machines: number;
  /** Threads that are this process's share of the cores that it may use. */
  readonly threads: number;
  /**
   * Compares how processes failed, when all of them did at about the same time.
   *
   * @returns how each failed, in their order; undefined when others are still at work
   */
  compareFailures(failure: Failure): Promise<readonly Failure[] | undefined>;
  /** Ends all processes at once, this one too. */
  abort(exitCode: number): void;
  /** Takes leave of the others, who have to do the same. After that a process may end by itself. */
  leave(): void;
}

/** Only one thread calls MPI. */
const threadFunneled = 1;
/** How long a process that failed waits for others to fail with it. */
const patienceMs = 2000;
/** Bytes in which a process says how it failed. */
const failureBytes = 4096;

/**
 * Connects this process with those that were started with it. From then on, one that ends without taking leave ends all.
 *
 * @param library path or name of the MPI library; the one that goes with the launcher when absent
 * @throws BertuneError when there is no such library, or it does not find the others
 */
export async function joinProcesses(launch: Launch, library?: string): Promise<Processes> {
  checkConnects(launch);
  const mpi = await openLibrary(launch, library);
  mpi.call('MPI_Init_thread', null, null, threadFunneled, new Int32Array(1));
  let places: readonly Place[] = [];
  const world: Collective = mpiCollective(mpi, () => checkPeers(places, world.rank));
  if (world.size !== launch.size) {
    mpi.call('MPI_Finalize');
    throw new BertuneError(
      `${launch.launcher} started ${launch.size} processes, and ${mpi.version} (${mpi.name}) sees ${world.size}: the library is not the launcher's; name the launcher's own in BERTUNE_MPI, or start with the library's mpirun`,
    );
  }
  const duplicate = new Uint8Array(8);
  mpi.call('MPI_Comm_dup', mpi.world, duplicate);
  const failures = mpi.handleIn(duplicate);
  let isOver = false;
  const abort = (exitCode: number) => {
    isOver = true;
    mpi.call('MPI_Abort', mpi.world, exitCode);
  };
  // Also where an exception or a signal ends it: nobody is to wait for it for ever.
  process.on('exit', (code) => {
    if (!isOver) abort(code);
  });
  places = await ofEach(world, placeOfProcess());
  const mine = places[world.rank];
  const beside = places.filter(({ machine }) => machine === mine?.machine);
  const sharing = beside.filter(({ cores }) => cores === mine?.cores).length;
  return {
    collective: { ...world, beside: beside.length },
    mpi: mpi.version,
    machines: new Set(places.map(({ machine }) => machine)).size,
    threads: Math.max(1, Math.floor(availableParallelism() / sharing)),
    compareFailures: (failure) => compared(mpi, failures, world.size, failure),
    abort,
    leave() {
      isOver = true;
      mpi.call('MPI_Finalize');
    },
  };
}

/** @throws BertuneError when the launcher tells processes nothing of each other */
function checkConnects({ launcher, size, connects }: Launch): void {
  if (connects) return;
  throw new BertuneError(
    `${launcher} started ${size} processes that cannot find each other: start them with ${launcher} --mpi=pmix (or --mpi=pmi2 for MPICH), or set BERTUNE_MPI=none to let each work by itself`,
  );
}

/** Arrays of operations that are not known to be done: nobody else may hold them. */
const pending = new Set<Uint8Array>();

async function compared(
  mpi: MpiLibrary,
  communicator: ReturnType<MpiLibrary['handleIn']>,
  size: number,
  failure: Failure,
): Promise<Failure[] | undefined> {
  const own = inRoom(failure);
  const all = new Uint8Array(size * failureBytes);
  const request = new Uint8Array(8);
  // MPI reads and writes them until it is done, and where others are at work, until the end.
  const held = [own, all, request];
  for (const array of held) pending.add(array);
  mpi.call(
    'MPI_Iallgather',
    ...([own, failureBytes, mpi.byte, all, failureBytes, mpi.byte, communicator, request] as const),
  );
  if (!(await completed(mpi, request, { patienceMs }))) return undefined;
  for (const array of held) pending.delete(array);
  return Array.from({ length: size }, (_, i) => {
    const text = new TextDecoder().decode(all.subarray(i * failureBytes, (i + 1) * failureBytes));
    return JSON.parse(text.replace(/\0+$/, '')) as Failure;
  });
}

/** A failure in so many bytes: a message that is too long as text, without its end. */
function inRoom(failure: Failure): Uint8Array {
  const whole = new TextEncoder().encode(JSON.stringify(failure));
  const bytes =
    whole.length <= failureBytes
      ? whole
      : new TextEncoder().encode(
          JSON.stringify({ ...failure, parts: [`${failure.parts.join('').slice(0, failureBytes / 8)}…`] }),
        );
  const room = new Uint8Array(failureBytes);
  room.set(bytes);
  return room;
}
