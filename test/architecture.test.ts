import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../src', import.meta.url));

/** What each layer may import beside itself. */
const below: Readonly<Record<string, readonly string[]>> = {
  core: [],
  graph: ['core'],
  engine: ['core', 'graph'],
  nn: ['core', 'graph'],
  models: ['core', 'graph', 'nn'],
  hub: ['core', 'remote', 'graph', 'engine', 'nn', 'models'],
  text: ['core'],
  remote: ['core'],
  data: ['core', 'text', 'remote'],
  train: ['core', 'graph', 'engine'],
  evaluation: ['core'],
  tasks: ['core', 'graph', 'engine', 'nn', 'models', 'hub', 'text', 'data', 'train', 'evaluation'],
  settings: ['core'],
  jobs: [
    'core',
    'remote',
    'settings',
    'engine',
    'nn',
    'models',
    'hub',
    'text',
    'data',
    'train',
    'evaluation',
    'tasks',
    'report',
  ],
  report: ['core', 'evaluation'],
  server: ['core', 'settings', 'jobs'],
  cli: ['core', 'settings', 'jobs', 'server'],
  'index.ts': ['core', 'jobs', 'server'],
  'index.runtime.ts': ['core', 'jobs'],
  'index.train.ts': ['core', 'graph', 'engine', 'nn', 'models', 'train', 'tasks', 'jobs'],
};

interface Import {
  readonly file: string;
  readonly from: string;
  /** Whether it is there when the program runs. */
  readonly runtime: boolean;
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(root, file), 'utf8')));
const local = imports.flatMap(({ file, from, runtime }) =>
  from.startsWith('.') ? [{ file, to: relative(root, resolve(root, dirname(file), from)), runtime }] : [],
);

describe('layers', () => {
  test('every folder is one of the layers', () => {
    expect([...new Set(files.map(layerOf))].filter((layer) => !Object.hasOwn(below, layer))).toEqual([]);
  });

  test('the imports were found', () => {
    expect(local.length).toBeGreaterThan(200);
    expect(local.filter(({ to }) => !existsSync(join(root, to)))).toEqual([]);
  });

  test('imports point down', () => {
    const up = local.filter(({ file, to }) => {
      const [from, target] = [layerOf(file), layerOf(to)];
      return from !== target && !below[from]?.includes(target);
    });
    expect(up.map(({ file, to }) => `${file} imports ${to}`)).toEqual([]);
  });

  test('no file is in a circle, of types either', () => {
    const edges = new Map<string, string[]>();
    for (const { file, to } of local) edges.set(file, [...(edges.get(file) ?? []), to]);
    expect(findCycle(edges)).toBeUndefined();
  });

  test('no cycles when the program runs', () => {
    const edges = new Map<string, string[]>();
    for (const { file, to, runtime } of local) if (runtime) edges.set(file, [...(edges.get(file) ?? []), to]);
    expect(findCycle(edges)).toBeUndefined();
  });
});

describe('what one layer keeps to itself', () => {
  const only = (name: RegExp, layers: readonly string[]) =>
    imports.filter(({ file, from }) => name.test(from) && !layers.includes(layerOf(file))).map(({ file }) => file);

  test.each([
    [/^onnxruntime/, ['engine']],
    [/^@duckdb\//, ['data']],
    [/^@aws-sdk\//, ['remote']],
    [/^(sharp|tar)$/, ['data']],
    [/^@huggingface\/tokenizers/, ['text']],
    [/^@huggingface\/hub/, ['hub']],
    [/^koffi/, ['train']],
    [/^commander/, ['cli']],
    [/^yaml/, ['cli', 'hub']],
    [/^(@observablehq\/plot|linkedom)/, ['report']],
    [/^(fastify|@fastify\/|prom-client)/, ['server']],
  ])('%s is imported in %s/ alone', (name, layers) => {
    expect(only(name, layers)).toEqual([]);
    expect(imports.some(({ from }) => name.test(from))).toBe(true);
  });

  test('TensorFlow.js is imported nowhere, of types either: users bring it', () => {
    expect(only(/^@tensorflow/, [])).toEqual([]);
  });

  test('what uses trained models loads nothing that reads data, images or serves', () => {
    const loaded = new Set<string>();
    const visit = (file: string) => {
      if (loaded.has(file)) return;
      loaded.add(file);
      for (const { to } of local.filter((each) => each.file === file && each.runtime)) visit(to);
    };
    visit('index.runtime.ts');
    const packages = imports.filter(
      ({ file, from, runtime }) => loaded.has(file) && runtime && !/^(\.|node:)/.test(from),
    );
    expect([...new Set(packages.map(({ from }) => from))].sort()).toEqual([
      '@aws-sdk/client-s3',
      '@huggingface/hub',
      '@huggingface/tokenizers',
      'onnxruntime-node',
      'zod',
    ]);
    expect([...loaded].filter((file) => /^(data|train|server|cli)\//.test(file))).toEqual([]);
  });

  test('the terminal is written to in cli/ alone', () => {
    const writers = files.filter((file) => /\bconsole\.|process\.std(out|err|in)\b/.test(sourceOf(file)));
    expect(writers.filter((file) => layerOf(file) !== 'cli')).toEqual([]);
    expect(writers).toContain(join('cli', 'main.ts'));
  });

  test('nothing is random but what core/random.ts draws', () => {
    const drawing = /Math\.random|randomUUID|randomBytes|getRandomValues/;
    expect(files.filter((file) => drawing.test(sourceOf(file)))).toEqual([]);
  });
});

function importsOf(file: string, source: string): Import[] {
  const statements =
    /^(?:import|export)\s+(type\s+)?(\*[^'"]*?from\s*|\{[^}]*\}\s*from\s*|[\w$][^'"]*?from\s*)?['"]([^'"]+)['"]/gm;
  const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [
    ...[...source.matchAll(statements)].map(([, type, names, from]) => ({
      file,
      from: from ?? '',
      runtime: type === undefined && !namesTypesAlone(names ?? ''),
    })),
    ...[...source.matchAll(dynamic)].map(([, from]) => ({ file, from: from ?? '', runtime: true })),
  ];
}

/** `{ type A, type B }`: the import stays, but takes nothing. */
function namesTypesAlone(names: string): boolean {
  const inside = /\{([^}]*)\}/.exec(names)?.[1];
  if (inside === undefined) return false;
  const parts = inside.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
  return parts.every((part) => part.startsWith('type '));
}

function layerOf(file: string): string {
  return file.split('/')[0] ?? file;
}

function sourceOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    done.add(file);
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle) return cycle;
    }
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return undefined;
}
