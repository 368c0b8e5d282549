import type { Fit } from '../run.ts';
import type { FinetuneResult } from '../types.ts';
import type { Base, FinetuneRun } from './base.ts';

export async function wordsFit(_run: FinetuneRun): Promise<Fit<FinetuneResult>> {
  throw new Error('internal: to come');
}

export async function hybridFit(_run: FinetuneRun, _base: Base): Promise<Fit<FinetuneResult>> {
  throw new Error('internal: to come');
}
