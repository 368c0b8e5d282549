import { availableParallelism } from 'node:os';
import { BertuneError, messageOf } from '../../core/errors.ts';
import type { HostTensor } from '../../core/tensor.ts';
import type { NamedTensors } from '../engine.ts';
import type { OnnxEngineOptions } from './engine.ts';
import { InferenceSession, Tensor } from './runtime.ts';

/** A model file in ONNX Runtime, run as any program would run it. */
export interface OpenModel {
  readonly inputNames: readonly string[];
  /** Every output, float32. */
  run(inputs: NamedTensors): Promise<Readonly<Record<string, HostTensor<'float32'>>>>;
  dispose(): Promise<void>;
}

/** Opens a model file with the settings that ONNX Runtime has by itself. @throws BertuneError when it refuses the file */
export async function openModel(path: string, { threads }: OnnxEngineOptions = {}): Promise<OpenModel> {
  const session = await InferenceSession.create(path, {
    intraOpNumThreads: threads ?? availableParallelism(),
    logSeverityLevel: 4,
  }).catch((error: unknown) => {
    throw new BertuneError(`${path} cannot be opened: ${messageOf(error).split('\n')[0]}`);
  });
  return {
    inputNames: session.inputNames,
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, { dtype, data, shape }]) => [
        name,
        new Tensor(dtype, data, shape),
      ]);
      const results = await session.run(Object.fromEntries(feeds));
      return Object.fromEntries(Object.entries(results).map(([name, result]) => [name, hostTensor(name, result)]));
    },
    dispose: () => session.release(),
  };
}

function hostTensor(name: string, { data, dims }: Tensor): HostTensor<'float32'> {
  if (!(data instanceof Float32Array)) throw new Error(`engine: output ${name} is not float32`);
  return { dtype: 'float32', shape: dims, data };
}
