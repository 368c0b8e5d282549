import { readFileSync } from 'node:fs';

/** The time of the kernels of one kind and one set of shapes. */
export interface KernelTimes {
  readonly op: string;
  /** Shapes of the first two inputs, as in "1024x768 · 768x3072". */
  readonly shapes: string;
  /** Floating-point operations of all calls, for matrix products; else 0. */
  operations: number;
  calls: number;
  seconds: number;
}

const products = new Set(['MatMul', 'FusedMatMul', 'TransposeMatMul', 'Gemm', 'FusedGemm']);

export function isProduct({ op }: Pick<KernelTimes, 'op'>): boolean {
  return products.has(op);
}

/**
 * Reads a profile of ONNX Runtime.
 *
 * @param counts whether the run of this number, from 0, counts
 */
export function readKernels(path: string, counts: (run: number) => boolean): KernelTimes[] {
  const times = new Map<string, KernelTimes>();
  let run = 0;
  let pending: ProfileEvent[] = [];
  // A run's own event comes after those of its kernels.
  for (const event of JSON.parse(readFileSync(path, 'utf8')) as ProfileEvent[]) {
    if (event.cat === 'Node' && event.name.endsWith('_kernel_time')) pending.push(event);
    if (event.name !== 'model_run') continue;
    if (counts(run++)) for (const kernel of pending) add(times, timesOf(kernel));
    pending = [];
  }
  return [...times.values()];
}

/** Sums kernels up by the key, those that take longest first. */
export function groupKernels(kernels: readonly KernelTimes[], key: (kernel: KernelTimes) => string): KernelTimes[] {
  const groups = new Map<string, KernelTimes>();
  for (const kernel of kernels) add(groups, kernel, key(kernel));
  return [...groups.values()].sort((a, b) => b.seconds - a.seconds);
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly TypedShape[];
    readonly output_type_shape?: readonly TypedShape[];
  };
}

/** One shape under the name of its element type. */
type TypedShape = Readonly<Record<string, readonly number[]>>;

function timesOf({ dur, args }: ProfileEvent): KernelTimes {
  const op = args?.op_name ?? '?';
  const [a = [], b = []] = (args?.input_type_shape ?? []).map(shapeOf);
  const [c = []] = (args?.output_type_shape ?? []).map(shapeOf);
  const shapes = [a, b].map((shape) => shape.join('x')).join(' · ');
  return { op, shapes, calls: 1, seconds: dur / 1e6, operations: isProduct({ op }) ? operationsOf(a, b, c) : 0 };
}

function shapeOf(typed: TypedShape): readonly number[] {
  return Object.values(typed)[0] ?? [];
}

/** 2 · M · K · N of each product of the batch, from the sizes MK, KN and MN: it does not matter what is transposed. */
function operationsOf(a: readonly number[], b: readonly number[], c: readonly number[]): number {
  const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
  const batch = b.length > 2 ? size(c.slice(0, -2)) : 1;
  return 2 * Math.sqrt((size(a) * size(b) * size(c)) / batch);
}

function add(times: Map<string, KernelTimes>, kernel: KernelTimes, key = `${kernel.op} ${kernel.shapes}`): void {
  const entry = times.get(key);
  if (!entry) {
    times.set(key, { ...kernel });
    return;
  }
  entry.calls += kernel.calls;
  entry.seconds += kernel.seconds;
  entry.operations += kernel.operations;
}
