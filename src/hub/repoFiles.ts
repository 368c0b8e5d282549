import { z } from 'zod';

/** Which paths of a repository, or of a folder that becomes one, may be used. */

/** Whether a path stays inside its folder, on any system. */
export function isInside(path: string): boolean {
  const parts = path.split('/');
  return !/[\\\0:]/.test(path) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}

/** A path below a folder of a repository; '' is the repository's top. */
export function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

const modulesSchema = z.array(z.object({ path: z.string() }));

/**
 * Folders of the modules that a `modules.json` names, the encoder's first and '' for the model's own folder; those that
 * would leave it are left out. What its modules are, whoever loads the folder finds out.
 *
 * @returns undefined for a text that is no list of modules
 */
export function moduleFolders(text: string): string[] | undefined {
  const paths = modulesSchema.safeParse(parsed(text)).data?.map(({ path }) => path.replace(/\/+$/, ''));
  return paths?.filter((path) => path === '' || isInside(path));
}

/** undefined for what is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
