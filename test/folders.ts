import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Every file below a folder, hidden ones too, with its bytes: what must be the same afterwards. */
export function contentOfFolder(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(
    files.map((name) => [name.replaceAll(sep, '/'), readFileSync(join(folder, name)).toString('base64')]),
  );
}
