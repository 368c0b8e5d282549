import type { Launch } from '../train/mpi/launcher.ts';
import type { Processes } from '../train/mpi/processes.ts';

export { type Failure, failureOf } from '../core/collective.ts';
export { type Launch, launchOf } from '../train/mpi/launcher.ts';
export type { Processes } from '../train/mpi/processes.ts';

/** As `joinProcesses` of `train/`, which is loaded where there are several processes alone. Throws what it throws. */
export async function join(launch: Launch, library?: string): Promise<Processes> {
  const { joinProcesses } = await import('../train/mpi/processes.ts');
  return joinProcesses(launch, library);
}
