import type { JobEvent } from '../jobs/types.ts';
import type { OutputStream } from './command.ts';
import { spelledAsFlag } from './flags.ts';
import { duration, quantity, speed } from './format.ts';

type StepEvent = Extract<JobEvent, { type: 'step' }>;
type ActivityEvent = Extract<JobEvent, { type: 'progress' }>;

/** Shows a job's events on stderr. */
export interface Progress {
  show(event: JobEvent): void;
  /** Leaves the cursor on a line of its own. */
  close(): void;
}

const linesEveryMs = 30_000;
const firstTenthMs = 5000;
const redrawEveryMs = 100;

/** A line rewritten in place on a terminal; plain lines at intervals elsewhere. `now` is in milliseconds. */
export function createProgress(stderr: OutputStream, now: () => number = Date.now): Progress {
  return stderr.isTTY ? liveProgress(stderr, now) : plainProgress(stderr, now);
}

function liveProgress(stderr: OutputStream, now: () => number): Progress {
  let shown = '';
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = (line: string) => {
    shown = line.slice(0, Math.max(20, (stderr.columns || 80) - 1));
    drawnAt = now();
    stderr.write(`\r\x1b[K${shown}`);
  };
  return {
    show(event) {
      if (event.type === 'step' || event.type === 'progress') {
        const line = event.type === 'step' ? stepLine(event) : activityLine(event);
        if (isLast(event) || now() - drawnAt >= redrawEveryMs) draw(line);
        return;
      }
      const line = shown;
      stderr.write(`\r\x1b[K${eventLine(event)}\n`);
      if (line !== '') draw(line);
    },
    close() {
      if (shown !== '') stderr.write('\n');
      shown = '';
    },
  };
}

function plainProgress(stderr: OutputStream, now: () => number): Progress {
  let writtenAt = now();
  let activity = '';
  let beganAt = now();
  let tenth = -1;
  let tenthOfActivity = 0;
  const write = (line: string) => {
    stderr.write(`${line}\n`);
    writtenAt = now();
  };
  return {
    show(event) {
      if (event.type === 'step') {
        const reached = Math.floor((10 * event.step) / event.steps);
        if (reached > tenth || isLast(event) || now() - writtenAt >= linesEveryMs) write(stepLine(event));
        tenth = Math.max(tenth, reached);
      } else if (event.type === 'progress') {
        if (event.activity !== activity) {
          activity = event.activity;
          beganAt = now();
          writtenAt = now();
          tenthOfActivity = 0;
        }
        // Short activities are not worth a line; what takes longer tells each tenth of it, as training does.
        const reached = event.total ? Math.floor((10 * event.done) / event.total) : 0;
        const isTenth = reached > tenthOfActivity && now() - beganAt >= firstTenthMs;
        if (now() - writtenAt >= linesEveryMs || isTenth) write(activityLine(event));
        tenthOfActivity = Math.max(tenthOfActivity, reached);
      } else {
        write(eventLine(event));
      }
    },
    close() {},
  };
}

function isLast(event: StepEvent | ActivityEvent): boolean {
  return event.type === 'step' ? event.step === event.steps : event.done === event.total;
}

function stepLine(event: StepEvent): string {
  return [
    `step ${event.step}/${event.steps}`,
    `epoch ${event.epoch}`,
    `loss ${event.loss.toFixed(4)}`,
    `learning rate ${event.learningRate.toExponential(2)}`,
    ...speed(event.unitsPerSecond, event.unit),
    ...(event.unitsPerSecond > 0 ? [`${duration(event.secondsLeft)} left`] : []),
  ].join('  ');
}

function activityLine({ line, activity: plain, done, total }: ActivityEvent): string {
  const activity = line?.spelled(spelledAsFlag) ?? plain;
  return total === undefined
    ? `${activity}: ${quantity(done)}`
    : `${activity}: ${quantity(done)} of ${quantity(total)}`;
}

function eventLine(event: Exclude<JobEvent, StepEvent | ActivityEvent>): string {
  if (event.type === 'note') return event.line?.spelled(spelledAsFlag) ?? event.text;
  if (event.type === 'checkpoint') return `step ${event.step}: saved ${event.path}`;
  const metrics = Object.entries(event.metrics)
    .filter(([name]) => name !== 'lossStandardError')
    .map(([name, value]) => `${name} ${Number.isInteger(value) && value > 1 ? quantity(value) : value.toFixed(4)}`);
  return `step ${event.step}: held out: ${metrics.join('  ')}`;
}
