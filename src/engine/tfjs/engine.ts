import { BertuneError, defined, messageOf } from '../../core/errors.ts';
import { sizeOf } from '../../core/tensor.ts';
import { type Bindings, boundShape } from '../../graph/bindings.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Weight } from '../../graph/lowering.ts';
import type { OpAttributes, OpName } from '../../graph/ops/attributes.ts';
import { at, type OpRecord } from '../../graph/ops/record.ts';
import { opTable } from '../../graph/ops/table.ts';
import type { TfContext, TfOps, TfTensor } from '../../graph/tfjs.ts';
import type { Node } from '../../graph/value.ts';
import type { Engine, NamedTensors, Program } from '../engine.ts';
import { newTensor, RunTypes } from '../runTypes.ts';
import { MaskDrawer } from '../wasm/dropoutMasks.ts';
import { opsOn } from './backends.ts';
import type { BroughtTf, TfModule } from './module.ts';
import { type Plan, type PlannedStep, planOf } from './plan.ts';
import { readInto, toTf } from './tensors.ts';

export type { BroughtTf } from './module.ts';

export interface TfjsEngineOptions {
  /** Name of the backend to compute on, such as `wasm`; the one that the module has chosen without it. */
  readonly backend?: string;
}

/**
 * The user's own TensorFlow.js, `tfjsEngine(tf)`. A run holds the calling thread but for reading its outputs. What a
 * program computes is freed before its run ends; what it stores, at `dispose`.
 */
export function tfjsEngine(brought: BroughtTf, { backend }: TfjsEngineOptions = {}): Engine {
  const tf = brought as TfModule;
  return {
    // The module chooses a backend when it is first used.
    get name() {
      return `tfjs ${backend ?? tf.getBackend() ?? ''}`.trim();
    },
    async compile(graph, weights) {
      await choose(tf, backend);
      return new TfProgram(tf, backend, graph, weights ?? new Map());
    },
  };
}

class TfProgram implements Program {
  readonly #tf: TfModule;
  readonly #ops: TfOps;
  readonly #backend: string | undefined;
  readonly #graph: Graph;
  readonly #plan: Plan;
  readonly #types: RunTypes;
  readonly #masks = new MaskDrawer();
  /** What every run reads: constants and weights, by their places. */
  readonly #stored = new Map<number, TfTensor>();

  constructor(tf: TfModule, backend: string | undefined, graph: Graph, weights: ReadonlyMap<string, Weight>) {
    this.#tf = tf;
    this.#ops = opsOn(tf.getBackend(), tf);
    this.#backend = backend;
    this.#graph = graph;
    this.#plan = planOf(graph);
    refuseRanks(this.#plan);
    this.#types = new RunTypes(graph, new Set(weights.keys()));
    const store = (place: number, tensor: TfTensor) => this.#stored.set(place, tf.keep(tensor));
    for (const [name, weight] of weights) {
      if ('codes' in weight) throw new BertuneError('TensorFlow.js computes with no int8 weights');
      const value = graph.inputs.get(name);
      if (value) store(this.#plan.placeOf(value), toTf(tf, { ...weight, data: weight.data.slice() }));
    }
    for (const [value, tensor] of graph.constants) {
      const place = this.#plan.placeOf(value);
      if (!this.#stored.has(place)) store(place, toTf(tf, tensor));
    }
  }

  async run(inputs: NamedTensors, into: NamedTensors = {}): Promise<NamedTensors> {
    const { outputs } = this.#graph;
    const stray = Object.keys(into).find((name) => !outputs.has(name));
    if (stray !== undefined) throw new Error(`engine: ${stray} is no output of the graph`);
    const sizes = this.#types.bind(inputs);
    for (const [name, type] of this.#types.inputs) this.#types.check(name, type, defined(inputs[name], name), sizes);
    const results = [...outputs].map(([name, type]) => {
      const target = into[name] ?? newTensor(type, sizes);
      this.#types.check(name, type, target, sizes);
      return [name, target] as const;
    });
    await choose(this.#tf, this.#backend);
    const found = new Array<TfTensor | undefined>(this.#plan.places);
    try {
      for (const [name] of this.#types.inputs) {
        const value = defined(this.#graph.inputs.get(name), name);
        found[this.#plan.placeOf(value)] = toTf(this.#tf, defined(inputs[name], name));
      }
      for (const step of this.#plan.steps) this.#compute(step, found, sizes);
      const places = [...outputs.values()].map((value) => this.#plan.placeOf(value));
      for (const [i, [, target]] of results.entries()) await readInto(target, this.#tensor(at(places, i), found));
      return Object.fromEntries(results);
    } finally {
      for (const tensor of found) tensor?.dispose();
    }
  }

  async dispose(): Promise<void> {
    for (const tensor of this.#stored.values()) tensor.dispose();
    this.#stored.clear();
  }

  #compute({ node, inputs, outputs, frees }: PlannedStep, found: (TfTensor | undefined)[], sizes: Bindings): void {
    const given = inputs.map((place) => this.#tensor(place, found));
    const computed = this.#lowered(node, given, sizes);
    outputs.forEach((place, i) => {
      found[place] = computed[i];
    });
    for (const place of frees) {
      found[place]?.dispose();
      found[place] = undefined;
    }
  }

  #lowered<K extends OpName>(node: Node<K>, inputs: readonly TfTensor[], sizes: Bindings): readonly TfTensor[] {
    const tf = this.#ops;
    const { lowerTfjs }: OpRecord<OpAttributes[K]> = opTable[node.op];
    const context: TfContext<OpAttributes[K]> = {
      ...{ tf, inputs, attributes: node.attributes },
      shapeOf: (shape) => [...boundShape(shape, sizes)],
      drawMask: (key, drawn, shape) =>
        // TensorFlow.js may keep the array.
        tf.tensor(this.#masks.draw(key.dataSync(), drawn, sizeOf(shape)).slice(), [...shape], 'bool'),
    };
    let outputs: readonly TfTensor[] = [];
    try {
      this.#tf.tidy(() => {
        outputs = lowerTfjs(context).map((output) => this.#tf.keep(output));
      });
      return outputs;
    } catch (error) {
      throw new BertuneError(
        `TensorFlow.js on ${this.#tf.getBackend()}, ${node.op}: ${messageOf(error).split('\n')[0]}`,
      );
    }
  }

  #tensor(place: number, found: readonly (TfTensor | undefined)[]): TfTensor {
    return defined(found[place] ?? this.#stored.get(place), 'a result');
  }
}

/** Of more dimensions, some backends compute nothing and say so on the terminal alone. */
const mostDimensions = 6;

function refuseRanks({ steps }: Plan): void {
  for (const { node } of steps) {
    const large = node.outputs.find(({ shape }) => shape.length > mostDimensions);
    if (!large) continue;
    const is = `${node.op} gives [${large.shape.join(', ')}]`;
    throw new BertuneError(`TensorFlow.js computes with up to ${mostDimensions} dimensions, and ${is}`);
  }
}

/** @throws BertuneError when the module has no such backend, or it does not start */
async function choose(tf: TfModule, backend: string | undefined): Promise<void> {
  if (backend === undefined) return tf.ready();
  if (tf.getBackend() === backend) return;
  const isThere = await tf.setBackend(backend).catch(() => false);
  if (!isThere) throw new BertuneError(`TensorFlow.js has no backend ${backend} that starts here`);
}
