import type { Html } from '../html.ts';
import type { Plots } from '../plots.ts';
import type { ReportedRun } from '../run.ts';

/** A part of a report. */
export interface Section {
  readonly title: string;
  /** One line on how to read it. */
  readonly lead: string;
  /** What a run has to show: a text says why there is nothing, undefined that runs of its kind have none of it. */
  render(run: ReportedRun, plots: Plots): Html | string | undefined;
}
