import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env } from 'node:process';

/** What starts processes of Open MPI; undefined when there is none on PATH. */
export const openMpi = ['mpirun.openmpi', 'mpirun']
  .map(onPath)
  .find((path) => saysOfItself(path, /Open MPI|OpenRTE|PRRTE/));
/** What starts those of MPICH. */
export const mpich = ['mpiexec.mpich', 'mpiexec.hydra', 'mpiexec']
  .map(onPath)
  .find((path) => saysOfItself(path, /HYDRA/));

/** Where a program is that a shell would start by this name. */
export function onPath(name: string): string | undefined {
  const places = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return places.map((folder) => join(folder, name)).find(isExecutable);
}

function saysOfItself(path: string | undefined, words: RegExp): boolean {
  return path !== undefined && words.test(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '');
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
