import { access, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { BertuneError, defined, UsageError } from '../core/errors.ts';
import { readError } from '../core/files.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { damaged, type StoredTensor } from './safetensorsHeader.ts';

/** Every tensor of a model folder, whichever file it lies in. */
export interface WeightFiles {
  readonly folder: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The file that holds a tensor, for messages. */
  fileOf(name: string): string;
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Keeps the pooler that a base model came with beside a masked language model, which has none. */
export const poolerFile = 'pooler.safetensors';
/** Weights that run code when they are opened, and are not read. */
export const pickleFile = 'pytorch_model.bin';
export const weightFile = 'model.safetensors';
export const weightIndex = 'model.safetensors.index.json';

/**
 * Opens the weights of a model folder: `model.safetensors`, or the shards that `model.safetensors.index.json` lists,
 * and the pooler that is kept beside them when they hold none.
 *
 * @param poolerNames names under which they may hold a pooler
 * @param modules folders below `path` with weights of their own, whose names get the folder before them
 * @throws UsageError when there are no weights; BertuneError when a file is damaged or a shard is missing.
 */
export async function openWeights(
  folder: string,
  poolerNames: ReadonlySet<string>,
  modules: { readonly path: string; readonly folders: readonly string[] } = { path: folder, folders: [] },
): Promise<WeightFiles> {
  const opened: SafetensorsFile[] = [];
  const owners = new Map<string, Owner>();
  const add = (file: SafetensorsFile, path = '') => {
    for (const [name, tensor] of file.tensors) owners.set(`${path}${name}`, { file, name, tensor });
  };
  const close = async () => {
    for (const file of opened) await file.close();
  };
  try {
    for (const name of await weightFileNames(folder)) opened.push(await openSafetensors(join(folder, name)));
    const main = opened.flatMap((file) => [...file.tensors.keys()]);
    if (!main.some((name) => poolerNames.has(name)) && (await exists(join(folder, poolerFile)))) {
      opened.push(await openSafetensors(join(folder, poolerFile)));
    }
    for (const file of opened) add(file);
    for (const path of modules.folders) {
      const file = await openModuleWeights(join(modules.path, path));
      if (file === null) continue;
      opened.push(file);
      add(file, `${path}/`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const owner = (name: string) => defined(owners.get(name), name);
  return {
    folder,
    tensors: new Map([...owners].map(([name, { tensor }]) => [name, tensor])),
    fileOf: (name) => owner(name).file.path,
    read: (name) => owner(name).file.read(owner(name).name),
    close,
  };
}

/** Where a tensor lies, and what it is called there. */
interface Owner {
  readonly file: SafetensorsFile;
  readonly name: string;
  readonly tensor: StoredTensor;
}

/** null for a module without weights. */
async function openModuleWeights(folder: string): Promise<SafetensorsFile | null> {
  const path = join(folder, weightFile);
  if (await exists(path)) return openSafetensors(path);
  if (await exists(join(folder, pickleFile))) throw new BertuneError(conversionAdvice(folder, pickleFile));
  return null;
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

async function weightFileNames(folder: string): Promise<string[]> {
  if (await exists(join(folder, weightFile))) return [weightFile];
  if (await exists(join(folder, weightIndex))) return shardNames(folder);
  for (const name of [pickleFile, `${pickleFile}.index.json`]) {
    if (await exists(join(folder, name))) throw new BertuneError(conversionAdvice(folder, name));
  }
  for (const name of ['tf_model.h5', 'flax_model.msgpack', 'model.ckpt.index', 'model.gguf']) {
    if (!(await exists(join(folder, name)))) continue;
    throw new BertuneError(
      `${folder} has its weights only in ${name}, which is not read`,
      "save them as safetensors with Python's transformers",
    );
  }
  throw new UsageError(`no ${weightFile} in ${folder}`, 'give a folder that transformers or bertune saved');
}

async function shardNames(folder: string): Promise<string[]> {
  const index = join(folder, weightIndex);
  const text = await readFile(index, 'utf8').catch((error: unknown) => {
    throw readError(index, error);
  });
  const names = [...new Set(Object.values(parseIndex(text, index).weight_map))];
  for (const name of names) {
    if (name !== basename(name)) throw damaged(index, `it names a file outside the folder: ${name}`);
    if (!(await exists(join(folder, name)))) {
      throw new BertuneError(
        `${folder} lacks ${name}, one of its ${names.length} weight files`,
        'download or copy it too',
      );
    }
  }
  return names;
}

function parseIndex(text: string, path: string): z.infer<typeof indexSchema> {
  try {
    return indexSchema.parse(JSON.parse(text));
  } catch {
    throw damaged(path, 'it is no index of weight files');
  }
}

/**
 * Keeps every weight, whichever head the checkpoint has; the copies are because safetensors stores no aliases. The
 * folder stands outside the program, where a quote or a backslash in it does no harm.
 */
function conversionAdvice(folder: string, found: string): string {
  const python = [
    'import torch, sys, pathlib, safetensors.torch as s',
    'p = pathlib.Path(sys.argv[1])',
    "l = [torch.load(f, map_location='cpu', weights_only=True) for f in p.glob('pytorch_model*.bin')]",
    `s.save_file({k: v.clone().contiguous() for d in l for k, v in d.items()}, p / '${weightFile}', {'format': 'pt'})`,
  ].join('; ');
  return `${folder} has its weights only in ${found}, which is not read; convert it once: python -c "${python}" "${folder}"`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
