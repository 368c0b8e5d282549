/**
 * Names of weights by module: a parameter's name without its last part, which is `weight` or `bias`. Of a layer,
 * `encoder.3.attention.query.weight` is the weight of module `encoder.*.attention.query`.
 */
export interface ModuleNames {
  /** What is written before the encoder's names by models with a head, such as `bert.`. */
  readonly prefix: string;
  /** Each module of ours as transformers calls it, `*` for the number of the layer. */
  readonly modules: Readonly<Record<string, string>>;
}

/** A parameter of ours as transformers writes it. @throws when it is of no module */
export function writtenName(name: string, { modules }: ModuleNames): string {
  const dot = name.lastIndexOf('.');
  const number = /^encoder\.(\d+)\./.exec(name)?.[1] ?? '';
  const module = modules[name.slice(0, dot).replace(/^encoder\.\d+\./, 'encoder.*.')];
  if (module === undefined) throw new Error(`no Hugging Face name for ${name}`);
  return `${module.replace('*', number)}${name.slice(dot)}`;
}

/**
 * A written name and what it may be in other checkpoints: without the prefix (saved from the bare encoder), and with
 * `gamma` and `beta` of normalizations (converted from TensorFlow).
 */
export function spellingsOf(written: string, { prefix }: ModuleNames): string[] {
  const old = written.replace(/\.weight$/, '.gamma').replace(/\.bias$/, '.beta');
  const spellings = /layer_?norm/i.test(written) ? [written, old] : [written];
  return spellings.flatMap((name) => (name.startsWith(prefix) ? [name, name.slice(prefix.length)] : [name]));
}

/** Whether two stored weights are copies of each other. */
export function sameBytes(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}
