/** The two families of MPI libraries: those of one use the same handles, be it Intel's or MVAPICH of MPICH's. */
export type MpiFamily = 'Open MPI' | 'MPICH';

/** What the one who started this process says of it. */
export interface Launch {
  /** The command that did. */
  readonly launcher: 'mpirun' | 'srun';
  readonly rank: number;
  readonly size: number;
  /** The libraries that may go with it, the likeliest first. */
  readonly families: readonly MpiFamily[];
  /** Whether it tells processes how to find each other. */
  readonly connects: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether this process was started as one of several, and by whom; BERTUNE_MPI=none lets each work by itself. A script of
 * Slurm's is none of them, nor is a process that was started alone.
 */
export function launchOf(env: Environment): Launch | undefined {
  if (env.BERTUNE_MPI === 'none') return undefined;
  const launch = byOpenMpi(env) ?? byPmi(env) ?? bySlurm(env);
  return launch && launch.size > 1 ? launch : undefined;
}

function byOpenMpi({ OMPI_COMM_WORLD_RANK: rank, OMPI_COMM_WORLD_SIZE: size }: Environment): Launch | undefined {
  if (size === undefined) return undefined;
  return { launcher: 'mpirun', rank: Number(rank), size: Number(size), families: ['Open MPI'], connects: true };
}

/** As Hydra starts MPICH and those that come of it, itself or in a script of Slurm's, and as srun does with PMI2. */
function byPmi({ PMI_RANK: rank, PMI_SIZE: size, SLURM_STEP_NUM_TASKS: tasks }: Environment): Launch | undefined {
  if (size === undefined || rank === undefined) return undefined;
  const by =
    tasks === size
      ? ({ launcher: 'srun', families: ['MPICH', 'Open MPI'] } as const)
      : ({ launcher: 'mpirun', families: ['MPICH'] } as const);
  return { ...by, rank: Number(rank), size: Number(size), connects: true };
}

function bySlurm(env: Environment): Launch | undefined {
  const { SLURM_PROCID: rank, SLURM_STEP_NUM_TASKS: size, PMIX_RANK: pmix } = env;
  if (size === undefined || rank === undefined) return undefined;
  const families = ['Open MPI', 'MPICH'] as const;
  return { launcher: 'srun', rank: Number(rank), size: Number(size), families, connects: pmix !== undefined };
}
