import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

/** The load of bench:serve: messages one a request, over so many connections at once, for a while. */
export interface Load {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  /** File with a message a line. */
  readonly messages: string;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 2xx, errors and time-outs. */
  readonly failed: number;
  readonly requests: number;
}

const { url, seconds, connections, messages }: Load = JSON.parse(process.argv[2] ?? '');
const texts = readFileSync(messages, 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '');
const requests: autocannon.Request[] = texts.map((text) => ({
  method: 'POST',
  path: '/predict',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ texts: [text] }),
}));
let clients = 0;
const result = await autocannon({
  url: `${url}/predict`,
  connections,
  duration: seconds,
  // Each connection starts at another message: otherwise all would send the same one at the same time.
  setupClient: (client) => {
    const from = (clients++ * 31) % requests.length;
    client.setRequests([...requests.slice(from), ...requests.slice(0, from)]);
  },
});
const summary: LoadResult = {
  requestsPerSecond: result.requests.average,
  p50: result.latency.p50,
  p99: result.latency.p99,
  failed: result.non2xx + result.errors + result.timeouts,
  requests: result.requests.total,
};
process.stdout.write(JSON.stringify(summary));
