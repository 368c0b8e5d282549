import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { type Collective, ofEach } from '../core/collective.ts';
import { UsageError } from '../core/errors.ts';
import { joined, type Message, type NamedSetting, say, setting } from '../core/message.ts';
import { cleared } from '../remote/address.ts';
import { isSettingName } from '../settings/table.ts';
import type { OpenedEngine } from './openEngine.ts';
import { packageVersions } from './versions.ts';

/** Settings in which the machines of one run may differ. */
const ofMachine = new Set(['threads', 'dataThreads', 'offline', 'cache']);

/**
 * Makes sure that all processes were started alike, before they read anything.
 *
 * @throws UsageError, in all of them, that names which one differs from process 0 and in what
 */
export async function refuseOtherStart(
  collective: Collective,
  { command, settings }: { readonly command: string; readonly settings: object },
): Promise<void> {
  if (collective.size === 1) return;
  await refuseDifferent(collective, packageVersions(), 'versions', 'install the same everywhere');
  const given = Object.entries(cleared(settings)).filter(([key]) => !ofMachine.has(key));
  await refuseDifferent(collective, { command, ...Object.fromEntries(given) }, 'settings', 'start all with the same');
}

/** Makes sure that all processes read the same. Throws as `refuseOtherStart`. */
export async function refuseOtherData(collective: Collective, identity: object): Promise<void> {
  if (collective.size === 1) return;
  await refuseDifferent(collective, identity, 'data or weights', 'give all the same files');
}

/** Makes sure that the same library computes in all processes. Throws as `refuseOtherStart`. */
export async function refuseOtherEngine(collective: Collective, { runtime }: OpenedEngine): Promise<void> {
  if (collective.size === 1) return;
  await refuseDifferent(collective, { runtime }, 'libraries', 'install the same everywhere');
}

async function refuseDifferent(
  collective: Collective,
  values: object,
  what: string,
  wayOut: string | Message,
): Promise<void> {
  const own = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, short(value)]));
  const all = await ofEach(collective, { host: hostname(), own });
  const first = all[0]?.own ?? {};
  const different = all.flatMap(({ host, own }, rank) => {
    const keys = Object.keys({ ...first, ...own }).filter((key) => first[key] !== own[key]);
    return keys.length === 0 ? [] : [{ rank, host, own, keys }];
  });
  const [one, ...others] = different;
  if (!one) return;
  const list = one.keys.map((key) => say`${named(key)} (${one.own[key] ?? 'none'}, there ${first[key] ?? 'none'})`);
  const more = others.length > 0 ? `, and so have ${others.map(({ rank }) => rank).join(', ')}` : '';
  throw new UsageError(
    say`process ${one.rank} on ${one.host} has other ${what} than process 0: ${joined(list, ', ')}${more}; ${wayOut}`,
  );
}

function named(key: string): string | NamedSetting {
  return isSettingName(key) ? setting(key) : key;
}

/** A value in a few characters that tell it from others. */
function short(value: unknown): string | undefined {
  const text = JSON.stringify(value);
  if (text === undefined || text.length <= 80) return text;
  return `${text.slice(0, 40)}… #${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}
