import { createRequire } from 'node:module';
import { onnxEngine } from '../onnx/engine.ts';
import type { Device } from './device.ts';

export const cpu: Device = {
  title: 'ONNX Runtime on the processor',
  isAutomatic: true,
  settings: { threads: 'used', fastMath: 'used', int8: 'used' },
  async find() {
    const { version }: { version: string } = createRequire(import.meta.url)('onnxruntime-node/package.json');
    return { isHere: true, runtime: `onnxruntime-node ${version}`, notes: [], open: onnxEngine };
  },
};
