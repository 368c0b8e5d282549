import { InferenceSession, Tensor } from 'onnxruntime-node';
import { BertuneError, messageOf } from '../../core/errors.ts';
import { type HostTensor, sizeOf, type TensorData, type TensorType } from '../../core/tensor.ts';
import type { Graph } from '../../graph/graph.ts';
import { lowerToOnnx } from '../../graph/lowering.ts';
import { formatType, sameShape } from '../../graph/ops/shapes.ts';
import type { Engine, NamedTensors, Program } from '../engine.ts';
import { writeModel } from './model.ts';

export interface OnnxEngineOptions {
  /** Threads of one run; all cores by default. */
  readonly threads?: number;
}

/** ONNX Runtime on the CPU. A run holds the calling thread until it is done. */
export function onnxEngine({ threads }: OnnxEngineOptions = {}): Engine {
  return {
    name: 'onnxruntime',
    async compile(graph) {
      const model = writeModel(lowerToOnnx(graph));
      const session = await InferenceSession.create(model, {
        executionProviders: ['cpu'],
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        enableMemPattern: false, // planning one block beside those of the first run takes more memory and no less time
        intraOpNumThreads: threads ?? 0,
        extra: sleepingThreads,
        logSeverityLevel: 4, // errors are thrown; the library writes nothing to the terminal
      });
      return onnxProgram(graph, session);
    },
  };
}

/**
 * Threads sleep between ops instead of spinning: as fast on idle cores, and several times faster when something else
 * runs beside, which a spinning thread would keep from its core.
 */
const sleepingThreads = { session: { intra_op: { allow_spinning: '0' } } };

function onnxProgram(graph: Graph, session: InferenceSession): Program {
  return {
    async run(inputs, into = {}) {
      const stray = Object.keys(into).find((name) => !graph.outputs.has(name));
      if (stray !== undefined) throw new Error(`engine: ${stray} is no output of the graph`);
      const feeds: Record<string, Tensor> = {};
      for (const [name, type] of graph.inputs) feeds[name] = toOnnx(name, type, inputs[name]);
      const fetches: Record<string, Tensor | null> = {};
      for (const [name, type] of graph.outputs) fetches[name] = into[name] ? toOnnx(name, type, into[name]) : null;
      const results = await runSession(session, feeds, fetches);
      const outputs: Record<string, HostTensor> = {};
      for (const [name, type] of graph.outputs) outputs[name] = into[name] ?? fromOnnx(type, results[name]);
      return outputs satisfies NamedTensors;
    },
    async dispose() {
      await session.release();
    },
  };
}

async function runSession(
  session: InferenceSession,
  feeds: Record<string, Tensor>,
  fetches: Record<string, Tensor | null>,
): Promise<InferenceSession.OnnxValueMapType> {
  try {
    return await session.run(feeds, fetches);
  } catch (error) {
    const message = messageOf(error).split('\n')[0] ?? '';
    if (/alloc/i.test(message)) {
      throw new BertuneError(`out of memory in a step; use smaller batches or a smaller max-length (${message})`);
    }
    throw error;
  }
}

function toOnnx(name: string, type: TensorType, tensor: HostTensor | undefined): Tensor {
  if (!tensor) throw new Error(`engine: input ${name}: ${formatType(type)} is missing`);
  if (tensor.dtype !== type.dtype || !sameShape(tensor.shape, type.shape)) {
    throw new Error(`engine: ${name} must be ${formatType(type)}, got ${formatType(tensor)}`);
  }
  return new Tensor(tensor.dtype, tensor.data, tensor.shape);
}

function fromOnnx({ dtype, shape }: TensorType, value: Tensor | undefined): HostTensor {
  if (!value || value.size !== sizeOf(shape)) throw new Error('engine: an output does not have its declared size');
  return { dtype, shape, data: value.data as TensorData[typeof dtype] };
}
