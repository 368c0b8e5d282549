import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { readError } from '../core/files.ts';
import { say, setting } from '../core/message.ts';
import { isRepoName } from './reference.ts';
import { below, moduleFolders } from './repoFiles.ts';
import { hubFetch } from './requests.ts';
import { modulesFile } from './sentenceFolder.ts';
import type { HubSettings } from './settings.ts';
import { trustFiles, trustFolder } from './trustFolder.ts';
import { weightFile } from './weightFiles.ts';
import { wordsFiles, wordsFolder } from './wordsFolder.ts';

export interface PushModelOptions {
  /** The model's folder. */
  readonly folder: string;
  /** `org/name`; made when it is not there. */
  readonly repo: string;
  /** Whether a repository that is made is a private one. */
  readonly private?: boolean;
  /** First line of the commit. */
  readonly title?: string;
  readonly signal?: AbortSignal;
  /** Hears how far a large file is, from 0 to 1. */
  readonly onProgress?: (file: string, share: number) => void;
}

export interface PushedModel {
  readonly url: string;
  readonly commit: string;
  readonly files: readonly string[];
  /** Whether the repository was made for it. */
  readonly created: boolean;
}

/**
 * Uploads a model folder to the Hub in one commit, large files by LFS: configuration, tokenizer, weights, a sentence
 * encoder's modules, words, trust, ONNX files and model card. What a run keeps for itself (`run.json`, `metrics.jsonl`, checkpoints) stays: it names paths of this machine.
 *
 * @throws UsageError for a folder without a model, a wrong name, no token or one without the right; BertuneError when the
 * network fails
 */
export async function pushModel(options: PushModelOptions, settings: HubSettings): Promise<PushedModel> {
  const { folder, repo, signal } = options;
  if (!isRepoName(repo)) throw new UsageError(say`${setting('repo')} must be org/name, got ${JSON.stringify(repo)}`);
  const files = await filesToPush(folder);
  if (settings.offline)
    throw new UsageError(say`nothing can be pushed with ${setting('offline')} (or HF_HUB_OFFLINE); leave it out`);
  if (settings.token === undefined) {
    throw new UsageError(
      `a token is needed to write to ${repo}: make one at ${settings.endpoint}/settings/tokens and set HF_TOKEN to it`,
    );
  }
  const hub = {
    repo: { type: 'model', name: repo } as const,
    hubUrl: settings.endpoint,
    // The token goes with every request to the endpoint already.
    accessToken: '',
    fetch: hubFetch(settings, { repo, revision: 'main' }, signal),
  };
  const { commitIter, createRepo } = await import('@huggingface/hub');
  try {
    const visibility = options.private === undefined ? undefined : options.private ? 'private' : 'public';
    const created = await createRepo({ ...hub, visibility }).then(() => true, isThereAlready);
    const upload = commitIter({
      ...hub,
      title: options.title ?? 'Model trained with bertune',
      operations: files.map((path) => ({
        operation: 'addOrUpdate' as const,
        path,
        content: pathToFileURL(join(folder, path)),
      })),
      abortSignal: signal,
    });
    let step = await upload.next();
    for (; !step.done; step = await upload.next()) {
      if (step.value.event !== 'fileProgress') continue;
      if (step.value.state === 'error') throw new Error(`${step.value.path} was not taken`);
      if (step.value.state === 'uploading') options.onProgress?.(step.value.path, step.value.progress);
    }
    return { url: `${settings.endpoint}/${repo}`, commit: step.value?.commit.oid ?? '', files, created };
  } catch (error) {
    if (error instanceof BertuneError) throw error;
    throw new BertuneError(`${repo} could not be pushed: ${messageOf(error).split('\n')[0]}`);
  }
}

/** A repository that is there is written to. */
function isThereAlready(error: unknown): false {
  if (typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 409) return false;
  throw error;
}

const modelFiles =
  /^(config\.json|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|vocab\.txt|README\.md|LICENSE(\.\w+)?|.+\.safetensors|.+\.safetensors\.index\.json)$/;
const sentenceFiles = /^(modules|config_sentence_transformers|sentence_[\w-]+_config)\.json$/;
const onnxFiles = /^.+\.onnx(_data)?$/;

/** Names of the folder's files that make the model, in their order. */
async function filesToPush(folder: string): Promise<string[]> {
  const isFolder = (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;
  if (!isFolder)
    throw new UsageError(say`${folder} is no folder: give the ${setting('output')} of a run or of an export`);
  const list = async (path: string, isPushed: (name: string) => boolean) => {
    const place = join(folder, path);
    if (!existsSync(place)) return [];
    const entries = await readdir(place, { withFileTypes: true }).catch((error: unknown) => {
      throw readError(place, error);
    });
    const names = entries.flatMap((entry) => (entry.isFile() && !entry.name.startsWith('.') ? [entry.name] : []));
    return names
      .filter(isPushed)
      .sort()
      .map((name) => below(path, name));
  };
  const isModel = (name: string) => modelFiles.test(name) || (modules.length > 0 && sentenceFiles.test(name));
  const modules = await modulesOf(folder);
  const [encoder = '', ...others] = modules;
  const files = [
    ...(await list('', isModel)),
    ...(encoder === '' ? [] : await list(encoder, isModel)),
    ...(await list('onnx', (name) => onnxFiles.test(name))),
    ...(await list(wordsFolder, (name) => wordsFiles.some((file) => file === name))),
    ...(await list(trustFolder, (name) => trustFiles.some((file) => file === name))),
  ];
  for (const path of new Set(others)) {
    if (path !== encoder) files.push(...(await list(path, (name) => name === 'config.json' || name === weightFile)));
  }
  const hasWeights = files.some((name) => /\.(safetensors|onnx)$/.test(name));
  if (!files.includes(below(encoder, 'config.json')) || !hasWeights) {
    throw new UsageError(
      say`${folder} holds no model (config.json and weights): give the ${setting('output')} of a run or of an export`,
    );
  }
  return files;
}

/** Folders of a sentence encoder's modules, the encoder's first; none of another model. */
async function modulesOf(folder: string): Promise<string[]> {
  const path = join(folder, modulesFile);
  if (!existsSync(path)) return [];
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw readError(path, error);
  });
  const modules = moduleFolders(text);
  if (!modules) throw new UsageError(`${path} is no list of modules: nothing was pushed`);
  return modules;
}
