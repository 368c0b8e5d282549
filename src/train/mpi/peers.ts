import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { BertuneError } from '../../core/errors.ts';

/** Where a process runs. */
export interface Place {
  readonly machine: string;
  /** Tells machines and containers apart, which count their processes by themselves; empty where that is not known. */
  readonly space: string;
  readonly pid: number;
  /** When it began, by its machine's clock ticks. */
  readonly began: string;
  /** The cores that it may use, where it is bound to some. */
  readonly cores: string;
}

export function placeOfProcess(): Place {
  const boot = textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  const namespace = textOf(() => readlinkSync('/proc/self/ns/pid'));
  const status = textOf(() => readFileSync('/proc/self/status', 'utf8'));
  return {
    machine: hostname(),
    space: boot && namespace ? `${boot} ${namespace}` : '',
    pid: process.pid,
    began: statOf(process.pid)?.began ?? '',
    cores: /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? '',
  };
}

/** @throws BertuneError when one of the processes that can be seen from here is gone: nobody is to wait for it */
export function checkPeers(places: readonly Place[], rank: number): void {
  const own = places[rank];
  if (!own?.space) return;
  const gone = places.findIndex((place) => place.space === own.space && isGone(place));
  const place = places[gone];
  if (!place) return;
  throw new BertuneError(
    `process ${gone} on ${place.machine} (${place.pid}) is gone: it was killed, or there was no memory left; go on from the last checkpoint`,
  );
}

function isGone({ pid, began }: Place): boolean {
  const found = statOf(pid);
  return found === undefined || found.began !== began || /[ZX]/.test(found.state);
}

/** State and start of a process of this machine; undefined where there is none. */
function statOf(pid: number): { state: string; began: string } | undefined {
  const text = textOf(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // The name of the program, in parentheses, may hold anything.
  const [state, ...fields] = text.replace(/^.*\) /s, '').split(' ');
  const began = fields[18];
  return state === undefined || began === undefined ? undefined : { state, began };
}

function textOf(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}
