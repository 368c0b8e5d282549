export type ScheduleName = 'linear' | 'cosine' | 'constant';

export interface ScheduleOptions {
  readonly schedule: ScheduleName;
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly steps: number;
}

/**
 * Learning rate of step `step` (from 0): linear warm-up from 0, then a linear or half-cosine fall to 0 at `steps`, or
 * no fall. The same values as transformers' get_linear/cosine/constant_schedule_with_warmup.
 */
export function learningRateAt(step: number, { schedule, learningRate, warmupSteps, steps }: ScheduleOptions): number {
  if (step < warmupSteps) return (learningRate * step) / Math.max(1, warmupSteps);
  const progress = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  return learningRate * decay[schedule](Math.min(1, progress));
}

const decay: Record<ScheduleName, (progress: number) => number> = {
  linear: (progress) => 1 - progress,
  cosine: (progress) => Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress))),
  constant: () => 1,
};
