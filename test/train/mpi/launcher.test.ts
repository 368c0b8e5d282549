import { expect, test } from 'vitest';
import { launchOf } from '../../../src/train/mpi/launcher.ts';

const step = { SLURM_JOB_ID: '7', SLURM_STEP_NUM_TASKS: '2', SLURM_PROCID: '1' };

test.each([
  ['alone', {}, undefined],
  ['one of one', { OMPI_COMM_WORLD_SIZE: '1', OMPI_COMM_WORLD_RANK: '0' }, undefined],
  ['in a script of Slurm', { SLURM_JOB_ID: '7', SLURM_NTASKS: '2', SLURM_PROCID: '0' }, undefined],
  ['by Open MPI', { OMPI_COMM_WORLD_SIZE: '3', OMPI_COMM_WORLD_RANK: '2' }, ['mpirun', 2, 3, 'Open MPI', true]],
  ['by Hydra', { PMI_SIZE: '3', PMI_RANK: '2' }, ['mpirun', 2, 3, 'MPICH', true]],
  // The step is that of Hydra's own processes, one a machine.
  [
    'by Hydra in a script of Slurm',
    { ...step, SLURM_STEP_NUM_TASKS: '1', SLURM_PROCID: '0', PMI_SIZE: '4', PMI_RANK: '0' },
    ['mpirun', 0, 4, 'MPICH', true],
  ],
  [
    'by mpirun in a script of Slurm',
    { ...step, OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_RANK: '3' },
    ['mpirun', 3, 4, 'Open MPI', true],
  ],
  ['by srun with PMIx', { ...step, PMIX_RANK: '1' }, ['srun', 1, 2, 'Open MPI', true]],
  ['by srun with PMI2', { ...step, PMI_RANK: '1', PMI_SIZE: '2' }, ['srun', 1, 2, 'MPICH', true]],
  ['by srun with neither', step, ['srun', 1, 2, 'Open MPI', false]],
  ['each by itself', { ...step, PMIX_RANK: '1', BERTUNE_MPI: 'none' }, undefined],
])('a process knows how it was started: %s', (_, env, expected) => {
  const launch = launchOf(env);
  const found = launch && [launch.launcher, launch.rank, launch.size, launch.families[0], launch.connects];
  expect(found).toEqual(expected);
});
