import type { Engine } from '../../src/engine/engine.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { tfjsCpu, tfjsNode, tfjsWasm } from './tfjs.ts';

const node = await tfjsNode();

/**
 * Every engine that runs whole graphs, by the title of the `describe` that holds its checks: `engineReport.ts` finds it
 * by this.
 */
export const engines: readonly (readonly [title: string, engine: Engine])[] = [
  ['on onnxruntime', onnxEngine({ threads: 2 })],
  ['on tfjs cpu', tfjsCpu],
  ['on tfjs wasm', tfjsWasm],
  ...(node ? [[`on ${node.name}`, node] as const] : []),
];
