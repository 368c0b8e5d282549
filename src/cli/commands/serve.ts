import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const serveCommand: CommandSpec = {
  name: 'serve',
  group: 'use',
  summary: 'answer over HTTP: predictions, fill-mask, vectors, metrics, and a page to try it',
  job: 'serve',
  examples: [
    'bertune serve --model runs/intent --port 8080',
    'bertune serve --model runs/intent --most-wrong 0.02 --coverage 0.95',
    'bertune serve --model checkpoints/bert-mini-sentences runs/adapted',
    `curl http://127.0.0.1:8080/predict -H 'content-type: application/json' -d '{"texts": ["where is my parcel?"]}'`,
    `curl http://127.0.0.1:8080/predict -H 'content-type: application/json' -d '{"texts": ["where is my parcel?"], "explain": true}'`,
    `curl http://127.0.0.1:8080/v1/embeddings -H 'content-type: application/json' -d '{"input": "where is my parcel?"}'`,
  ],
  async run(settings, context) {
    const { serve } = await import('../../server/serve.ts');
    const options = jobOptions('serve', settings);
    await withProgress(
      context,
      (hooks) =>
        serve(options, hooks, async ({ url, models }) => {
          if (!/^(127\.|localhost$|::1$)/.test(settings.host ?? '127.0.0.1')) {
            hooks.onEvent?.({
              type: 'note',
              text: 'other machines may reach this server, and it asks nobody who they are',
            });
          }
          await writeResult(context, settings, { url, models }, () =>
            [
              `listening on ${url}; Ctrl-C stops`,
              ...models.map(({ name, tasks }) => `  ${name}: ${tasks.join(', ')}`),
            ].join('\n'),
          );
        }),
      'answering what is under way',
    );
  },
};
