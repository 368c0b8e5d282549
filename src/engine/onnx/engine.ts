import { availableParallelism } from 'node:os';
import { BertuneError, messageOf } from '../../core/errors.ts';
import type { HostTensor } from '../../core/tensor.ts';
import type { Graph } from '../../graph/graph.ts';
import { lowerToOnnx } from '../../graph/lowering.ts';
import type { SymbolicType } from '../../graph/sizes.ts';
import type { Engine, NamedTensors, Program } from '../engine.ts';
import { newTensor, RunTypes } from '../runTypes.ts';
import { DropoutMasks } from '../wasm/dropoutMasks.ts';
import { handoverStop, writeModel } from './model.ts';
import { InferenceSession, Tensor } from './runtime.ts';

export interface OnnxEngineOptions {
  /** Threads of one run; all cores by default. */
  readonly threads?: number;
  /** Matrix products in bfloat16 where the processor has them (Arm); other numbers, and other processors do nothing. */
  readonly fastMath?: boolean;
}

/** ONNX Runtime on the CPU. A run holds the calling thread until it is done. */
export function onnxEngine({ threads, fastMath = false }: OnnxEngineOptions = {}): Engine {
  return {
    name: 'onnxruntime',
    async compile(graph, weights) {
      const masks = new DropoutMasks(graph);
      const given = new Map(masks.masks.map(({ value }, i) => [value, `%mask ${i}`]));
      const model = writeModel(lowerToOnnx(graph, { given, weights }));
      const session = await InferenceSession.create(model, {
        executionProviders: ['cpu'],
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        enableMemPattern: false, // planning one block beside those of the first run takes more memory and no less time
        intraOpNumThreads: threads ?? availableParallelism(), // ONNX Runtime's own count is 1 on some virtual machines
        extra: { ...sleepingThreads, ...withoutMerging, ...(fastMath ? bfloat16Products : {}) },
        logSeverityLevel: 4, // errors are thrown; the library writes nothing to the terminal
      });
      return onnxProgram(graph, session, masks, new Set(weights?.keys()));
    },
  };
}

/**
 * Threads sleep between ops instead of spinning: as fast on idle cores, and several times faster when something else
 * runs beside, which a spinning thread would keep from its core.
 */
const sleepingThreads = { session: { intra_op: { allow_spinning: '0' } } };

/** ONNX Runtime reads it on Arm alone. */
const bfloat16Products = { mlas: { enable_gemm_fastmath_arm64_bfloat16: '1' } };

/**
 * Equal nodes are merged where that helps before the engine sees them; between the halves of a step it costs memory. The
 * kernel that adds and normalizes in one takes three times as long as the two.
 */
const withoutMerging = {
  optimization: { disable_specified_optimizers: 'CommonSubexpressionElimination;SkipLayerNormFusion' },
};

function onnxProgram(
  graph: Graph,
  session: InferenceSession,
  masks: DropoutMasks,
  stored: ReadonlySet<string>,
): Program {
  const drawn = Object.fromEntries(
    masks.masks.map(({ data, shape }, i) => [`%mask ${i}`, new Tensor('bool', data, shape)]),
  );
  const types = new RunTypes(graph, stored);
  return {
    async run(inputs, into = {}) {
      const stray = Object.keys(into).find((name) => !graph.outputs.has(name));
      if (stray !== undefined) throw new Error(`engine: ${stray} is no output of the graph`);
      const feeds: Record<string, Tensor> = { ...drawn };
      const sizes = types.bind(inputs);
      const onnxTensor = (name: string, type: SymbolicType, tensor: HostTensor) => {
        types.check(name, type, tensor, sizes);
        return new Tensor(tensor.dtype, tensor.data, tensor.shape);
      };
      for (const [name, type] of types.inputs) feeds[name] = onnxTensor(name, type, inputs[name] as HostTensor);
      masks.draw((key) => inputs[key]?.data as Uint32Array);
      const outputs: Record<string, HostTensor> = {};
      const fetches: Record<string, Tensor | null> = { [handoverStop]: null };
      for (const [name, type] of graph.outputs) {
        const output = into[name] ?? newTensor(type, sizes);
        outputs[name] = output;
        fetches[name] = onnxTensor(name, type, output);
      }
      await runSession(session, feeds, fetches);
      return outputs satisfies NamedTensors;
    },
    async dispose() {
      await session.release();
    },
  };
}

/** What the binding says when it comes to an output that is no tensor. */
const stopMessage = 'Non tensor type is temporarily not supported.';

async function runSession(
  session: InferenceSession,
  feeds: Record<string, Tensor>,
  fetches: Record<string, Tensor | null>,
): Promise<void> {
  try {
    await session.run(feeds, fetches);
  } catch (error) {
    const message = messageOf(error).split('\n')[0] ?? '';
    if (message === stopMessage) return; // the run is over, its outputs are written
    if (/alloc/i.test(message) && !message.includes('pre-allocated output')) {
      throw new BertuneError(`out of memory in a step; use smaller batches or a smaller max-length (${message})`);
    }
    throw error;
  }
}
