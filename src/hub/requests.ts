import { BertuneError, InterruptedError, messageOf, UsageError } from '../core/errors.ts';
import { referenceName } from './reference.ts';
import type { HubSettings } from './settings.ts';

/** What requests are about, for messages. */
export interface Subject {
  readonly repo: string;
  readonly revision: string;
}

/**
 * A `fetch` for the Hub: it sends the token to the endpoint alone, and turns every failure into one line.
 *
 * @throws BertuneError when the Hub cannot be reached or is out of order; UsageError when it refuses, or has no such
 * repository, revision or file; InterruptedError when the signal was aborted
 */
export function hubFetch(settings: HubSettings, subject: Subject, signal?: AbortSignal): typeof fetch {
  const { origin } = new URL(settings.endpoint);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    const headers = new Headers(init?.headers);
    // The library puts a token of its own liking; a redirect to another host loses the header by itself.
    if (url.origin === origin) {
      headers.delete('authorization');
      if (settings.token !== undefined) headers.set('authorization', `Bearer ${settings.token}`);
    }
    const response = await fetch(input, { ...init, headers, signal: signal ?? init?.signal }).catch(
      (error: unknown) => {
        throw connectionError(error, url, signal);
      },
    );
    if (response.ok || passedOn.has(response.status)) return response;
    const { message, code } = await answerOf(response);
    throw answerError(response.status, code, message, settings, subject);
  };
}

/** A range past the end, and a repository that is there already: callers know what to do. */
const passedOn = new Set([409, 416]);

/** What to throw when no answer came, or it broke off. */
export function connectionError(error: unknown, url: URL, signal?: AbortSignal): BertuneError {
  if (error instanceof BertuneError) return error;
  if (signal?.aborted) return new InterruptedError('stopped before the end');
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const [reason = ''] = messageOf(cause).split('\n');
  return new ConnectionError(
    `no connection to ${url.origin}${reason === '' ? '' : ` (${reason})`}: check the network, or give a folder`,
  );
}

/** The network failed rather than what was asked for. */
export class ConnectionError extends BertuneError {
  override name = 'ConnectionError';
}

async function answerOf(response: Response): Promise<{ code: string; message: string }> {
  const code = response.headers.get('x-error-code') ?? '';
  const text = await response.text().catch(() => '');
  const message = response.headers.get('x-error-message') ?? errorIn(text);
  return { code, message: message.replace(/\s+/g, ' ').slice(0, 200) };
}

function errorIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : '';
  } catch {
    return '';
  }
}

function answerError(
  status: number,
  code: string,
  message: string,
  { endpoint, token }: HubSettings,
  subject: Subject,
): BertuneError {
  const { repo, revision } = subject;
  const said = message === '' ? '' : ` (${message})`;
  if (code === 'GatedRepo') {
    return new UsageError(
      `${repo} asks for its terms to be accepted: do so at ${endpoint}/${repo}, then set HF_TOKEN to a token of that account`,
    );
  }
  if (code === 'RevisionNotFound') {
    return new UsageError(`${repo} has no revision ${revision}; see ${endpoint}/${repo}/commits/main`);
  }
  if (status === 401 && token !== undefined) {
    return new UsageError(`the Hub does not take the token for ${repo}: set HF_TOKEN to one that is valid${said}`);
  }
  if (status === 403) {
    return new UsageError(`the token may not do this with ${repo}: set HF_TOKEN to one with that right${said}`);
  }
  if (status === 401 || code === 'RepoNotFound' || (status === 404 && code === '')) {
    const login = token === undefined ? ', or it is private: then set HF_TOKEN' : ' that this token may see';
    return new UsageError(`no folder ${referenceName(subject)} here, and no model of that name at ${endpoint}${login}`);
  }
  if (status === 404) return new UsageError(`${referenceName(subject)} at ${endpoint} lacks a file${said}`);
  if (status === 429) return new BertuneError(`${endpoint} asks to wait: too many requests; try again later`);
  return new BertuneError(`${endpoint} answered ${status} for ${repo}${said}: try again later`);
}
