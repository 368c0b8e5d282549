import { createRequire } from 'node:module';
import { onnxEngine } from '../onnx/engine.ts';
import type { Attitude, Device } from './device.ts';

const fastMath: Attitude = process.arch.startsWith('arm')
  ? 'used'
  : { ignored: `does nothing on this processor (${process.arch}); it is for Arm` };

export const cpu: Device = {
  title: 'ONNX Runtime on the processor',
  isAutomatic: true,
  settings: { threads: 'used', fastMath, int8: 'used' },
  async find() {
    const { version }: { version: string } = createRequire(import.meta.url)('onnxruntime-node/package.json');
    return { isHere: true, runtime: `onnxruntime-node ${version}`, notes: [], open: onnxEngine };
  },
};
