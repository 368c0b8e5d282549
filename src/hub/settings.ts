import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../core/errors.ts';

/** Where the Hub is, where its files are kept, and as whom it is asked. */
export interface HubSettings {
  /** Without a slash at the end. */
  readonly endpoint: string;
  /** The cache that Python's huggingface_hub uses, too. */
  readonly cache: string;
  readonly token: string | undefined;
  /** Nothing is asked for over the network. */
  readonly offline: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings that huggingface_hub takes from the same variables: HF_ENDPOINT, HF_HUB_CACHE, HF_HOME, HF_TOKEN (or the
 * file that `hf auth login` writes) and HF_HUB_OFFLINE.
 *
 * @param offline wins over the environment
 * @throws UsageError for an endpoint that is no address
 */
export function hubSettings(offline?: boolean, environment: Environment = process.env): HubSettings {
  const value = (name: string) => environment[name]?.trim() || undefined;
  const home = value('HF_HOME') ?? join(value('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface');
  const expanded = (path: string) => path.replace(/^~(?=$|\/)/, homedir());
  return {
    endpoint: endpointOf(value('HF_ENDPOINT') ?? 'https://huggingface.co'),
    cache: expanded(value('HF_HUB_CACHE') ?? value('HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub')),
    token:
      value('HF_TOKEN') ??
      value('HUGGING_FACE_HUB_TOKEN') ??
      tokenFile(expanded(value('HF_TOKEN_PATH') ?? join(home, 'token'))),
    offline: offline ?? (isOn(value('HF_HUB_OFFLINE')) || isOn(value('TRANSFORMERS_OFFLINE'))),
  };
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`HF_ENDPOINT must be an address such as https://huggingface.co, got ${JSON.stringify(text)}`);
  }
  return text.replace(/\/+$/, '');
}

function tokenFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined; // nobody has logged in here
  }
}

function isOn(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? '');
}
