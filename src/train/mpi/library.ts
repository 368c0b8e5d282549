import { BertuneError, messageOf } from '../../core/errors.ts';
import type { Launch, MpiFamily } from './launcher.ts';

/** A handle of MPI: an address in Open MPI, a number in MPICH. */
export type Handle = bigint | number;

/** What is called of an MPI library, and what its header defines. */
export interface MpiLibrary {
  readonly family: MpiFamily;
  /** The name that it was found under. */
  readonly name: string;
  /** Its first words about itself. */
  readonly version: string;
  readonly world: Handle;
  readonly float: Handle;
  readonly double: Handle;
  readonly byte: Handle;
  readonly plus: Handle;
  /** In the place of what is sent: it is where the result goes. */
  readonly inPlace: bigint;
  /** Calls a function. @throws BertuneError when it fails and MPI has not ended the process */
  call(name: keyof typeof functions, ...args: readonly Argument[]): void;
  /** A communicator that a function wrote. */
  handleIn(bytes: Uint8Array): Handle;
}

type Argument = Handle | null | Uint8Array | Int32Array | Float32Array | Float64Array;

/** H stands for a handle, p for an address, i for a number. */
const functions = {
  MPI_Init_thread: 'ppip',
  MPI_Comm_rank: 'Hp',
  MPI_Comm_size: 'Hp',
  MPI_Comm_dup: 'Hp',
  MPI_Ibarrier: 'Hp',
  MPI_Test: 'ppp',
  MPI_Allreduce: 'ppiHHH',
  MPI_Alltoall: 'piHpiHH',
  MPI_Alltoallv: 'pppHpppHH',
  MPI_Iallgather: 'piHpiHHp',
  MPI_Abort: 'Hi',
  MPI_Finalize: '',
} as const;

/** Names of the libraries in the order in which they are looked for: those of what is installed to run with come first. */
const names: Readonly<Record<MpiFamily, readonly string[]>> = {
  'Open MPI': ['libmpi.so.40', 'libmpi.so', 'libmpi.40.dylib', 'libmpi.dylib'],
  MPICH: ['libmpich.so.12', 'libmpi.so.12', 'libmpich.so', 'libmpi.so', 'libmpi.12.dylib', 'libmpi.dylib'],
};

/** MPICH's numbers, which all that come of it have kept. */
const ofMpich = {
  world: 0x44000000,
  float: 0x4c00040a,
  double: 0x4c00080b,
  byte: 0x4c00010d,
  plus: 0x58000003,
  inPlace: -1n,
} as const;

/**
 * Opens the MPI library that goes with a launcher: the one that BERTUNE_MPI names, else the first that is found.
 *
 * @throws BertuneError when there is none, or it is of no family that is known
 */
export async function openLibrary({ families, launcher }: Launch, wanted: string | undefined): Promise<MpiLibrary> {
  const koffi = await import('koffi').then(
    (module) => module.default,
    (error: unknown) => {
      throw new BertuneError(
        `several processes need the package koffi, which cannot be loaded (${firstLine(error)}): npm install koffi, or start one process`,
      );
    },
  );
  const tried = wanted ? [wanted] : families.flatMap((family) => names[family]);
  const reasons: string[] = [];
  for (const name of tried) {
    let library: ReturnType<typeof koffi.load>;
    try {
      // Parts of the library that it loads later look for its symbols among all that are there.
      library = koffi.load(name, { global: true });
    } catch (error) {
      reasons.push(firstLine(error));
      continue;
    }
    const found = described(library, name);
    if (wanted || families.includes(found.family)) return found;
    reasons.push(`${name} is ${found.family}`);
  }
  const packages = families.map((family) => (family === 'MPICH' ? 'mpich' : 'openmpi-bin')).join(' or ');
  throw new BertuneError(
    wanted
      ? `BERTUNE_MPI: ${wanted} cannot be opened as an MPI library (${reasons[0]})`
      : `${launcher} started several processes, and no library of ${families.join(' or ')} was found (${[...new Set(tried)].join(', ')}): install it on every machine (Debian: apt-get install ${packages}), name it in BERTUNE_MPI, or set BERTUNE_MPI=none to let each process work by itself`,
  );
}

type Library = ReturnType<typeof import('koffi').load>;

function described(library: Library, name: string): MpiLibrary {
  const version = versionOf(library, name);
  const family = familyOf(library, version);
  if (family === undefined) {
    throw new BertuneError(`${name} is neither of Open MPI nor of MPICH (${version}): name another one in BERTUNE_MPI`);
  }
  const isAddress = family === 'Open MPI';
  const kinds: Readonly<Record<string, string>> = { H: isAddress ? 'void *' : 'int', p: 'void *', i: 'int' };
  const bound = Object.fromEntries(
    Object.entries(functions).map(([name, args]) => [
      name,
      library.func(
        name,
        'int',
        Array.from(args, (kind) => kinds[kind] ?? ''),
      ),
    ]),
  );
  const address = (symbol: string): bigint => library.symbol(symbol);
  const ofOpenMpi = () => ({
    world: address('ompi_mpi_comm_world'),
    float: address('ompi_mpi_float'),
    double: address('ompi_mpi_double'),
    byte: address('ompi_mpi_byte'),
    plus: address('ompi_mpi_op_sum'),
    inPlace: 1n,
  });
  return {
    ...{ family, name, version, ...(isAddress ? ofOpenMpi() : ofMpich) },
    call(name, ...args) {
      const code: unknown = bound[name]?.(...args);
      if (code !== 0) throw new BertuneError(`${name} of ${version} failed with ${code}`);
    },
    handleIn(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      return isAddress ? view.getBigUint64(0, true) : view.getInt32(0, true);
    },
  };
}

/** @throws BertuneError for a library that is not MPI's */
function versionOf(library: Library, name: string): string {
  const text = new Uint8Array(16_384);
  const length = new Int32Array(1);
  try {
    library.func('MPI_Get_library_version', 'int', ['void *', 'void *'])(text, length);
  } catch (error) {
    throw new BertuneError(`${name} is no MPI library: ${firstLine(error)}`);
  }
  const words = new TextDecoder().decode(text.subarray(0, length[0])).replaceAll('\0', '');
  return (words.split('\n')[0] ?? '')
    .split(',')[0]
    ?.replace(/\s+/g, ' ')
    .replace(/^(\w+) Version: ?/, '$1 ')
    .trim() as string;
}

function familyOf(library: Library, version: string): MpiFamily | undefined {
  try {
    library.symbol('ompi_mpi_comm_world');
    return 'Open MPI';
  } catch {
    return /MPICH|Intel|MVAPICH|Cray/i.test(version) ? 'MPICH' : undefined;
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0] ?? '';
}
