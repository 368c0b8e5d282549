import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Task } from './protocol.ts';
import type { ServedModel } from './served.ts';

/** What the server counts, in Prometheus' text format. */
export interface ServerMetrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** @returns what to call when the request is over */
  onRequest(): () => void;
  onAnswer(route: string, method: string, status: number, seconds: number): void;
  onBatch(model: string, task: Task | 'explain', texts: number, seconds: number): void;
}

/** @param served by the model's name */
export function createMetrics(served: ReadonlyMap<string, Pick<ServedModel, 'batcher' | 'explainer'>>): ServerMetrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const registers = [register];
  const answers = new Counter({
    ...{ name: 'bertune_http_requests_total', help: 'Requests answered', registers },
    labelNames: ['route', 'method', 'status'],
  });
  const durations = new Histogram({
    ...{ name: 'bertune_http_request_duration_seconds', help: 'From a request to its answer', registers },
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  const batchTexts = new Histogram({
    ...{ name: 'bertune_batch_texts', help: 'Texts computed together', registers },
    labelNames: ['model', 'task'],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  });
  const batchSeconds = new Histogram({
    ...{ name: 'bertune_batch_duration_seconds', help: 'Time that a batch took', registers },
    labelNames: ['model', 'task'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  const inProgress = new Gauge({
    ...{ name: 'bertune_http_requests_in_progress', help: 'Requests that have no answer yet', registers },
  });
  new Gauge({
    ...{ name: 'bertune_waiting_texts', help: 'Texts that wait for their batch', registers },
    labelNames: ['model'],
    collect() {
      for (const [model, { batcher }] of served) this.set({ model }, batcher.waiting);
    },
  });
  new Gauge({
    ...{ name: 'bertune_waiting_explanations', help: 'Texts that wait to be explained', registers },
    labelNames: ['model'],
    collect() {
      for (const [model, { explainer }] of served) this.set({ model }, explainer.waiting);
    },
  });
  return {
    contentType: register.contentType,
    text: () => register.metrics(),
    onRequest() {
      inProgress.inc();
      return () => inProgress.dec();
    },
    onAnswer(route, method, status, seconds) {
      answers.inc({ route, method, status });
      durations.observe({ route }, seconds);
    },
    onBatch(model, task, texts, seconds) {
      batchTexts.observe({ model, task }, texts);
      batchSeconds.observe({ model, task }, seconds);
    },
  };
}
