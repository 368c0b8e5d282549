import { existsSync } from 'node:fs';

/** A model of the Hub. */
export interface ModelReference {
  /** `org/name` */
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** For users who have a folder of an organization's name: a path of this form is never a folder's. */
const prefix = 'hf://';

/**
 * What a `--model` names: a model of the Hub, or undefined for a path. An existing file or folder is always meant; so is a
 * path whose first part is a folder here, since a mistyped name in it is likelier than an organization of that name.
 */
export function parseReference(text: string): ModelReference | undefined {
  const explicit = text.startsWith(prefix);
  const name = explicit ? text.slice(prefix.length) : text;
  const [, repo, revision] = /^([^/@]+\/[^/@]+)(?:@(.+))?$/.exec(name) ?? [];
  if (repo === undefined || !isRepoName(repo) || !isRevision(revision ?? 'main')) return undefined;
  if (!explicit && (existsSync(text) || existsSync(repo.split('/')[0] ?? ''))) return undefined;
  return { repo, revision: revision ?? 'main' };
}

/** Whether a text can be the `org/name` of a repository. */
export function isRepoName(text: string): boolean {
  const parts = text.split('/');
  return parts.length === 2 && parts.every((part) => /^[\w](?:[\w.-]*\w)?$/.test(part) && !/\.\.|--/.test(part));
}

/** A reference as a user writes it. */
export function referenceName({ repo, revision }: ModelReference): string {
  return revision === 'main' ? repo : `${repo}@${revision}`;
}

/** A name that git takes and that stays inside the cache's folder of references. */
function isRevision(text: string): boolean {
  return /^[\w][\w./-]*$/.test(text) && !text.includes('..') && !/\/$|\/\/|\/\./.test(text);
}
