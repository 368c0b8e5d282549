import { z } from 'zod';
import type { ModelReference } from './reference.ts';
import type { HubSettings } from './settings.ts';

/** What the Hub's converter calls its pull requests, and itself. */
const conversionTitle = 'Adding `safetensors` variant of this model';
const converter = 'SFconvertbot';

const discussionsSchema = z.object({
  discussions: z.array(
    z.object({
      num: z.int().positive(),
      title: z.string(),
      status: z.string(),
      isPullRequest: z.boolean(),
      author: z.object({ name: z.string() }).nullish(),
    }),
  ),
});
const commitsSchema = z.array(z.object({ id: z.string() }));

/**
 * The open pull request in which the Hub's own converter put a model's pickled weights as safetensors. As transformers
 * does, it counts only when it is the converter's and comes straight after the commit that is asked for.
 *
 * @param commit the commit of the reference
 * @returns the model under the revision of the pull request; undefined when there is none such
 */
export async function conversionOf(
  reference: ModelReference,
  commit: string,
  { endpoint }: HubSettings,
  request: typeof fetch,
): Promise<ModelReference | undefined> {
  const api = `${endpoint}/api/models/${reference.repo}`;
  const query = `type=pull_request&status=open&author=${converter}`;
  const { discussions = [] } = (await answer(request, `${api}/discussions?${query}`, discussionsSchema)) ?? {};
  for (const { num, title, status, isPullRequest, author } of discussions) {
    if (title !== conversionTitle || status !== 'open' || !isPullRequest || author?.name !== converter) continue;
    const revision = `refs/pr/${num}`;
    const commits = await answer(request, `${api}/commits/${encodeURIComponent(revision)}`, commitsSchema);
    if (commits?.[1]?.id === commit) return { ...reference, revision };
  }
  return undefined;
}

/** What the Hub answers; undefined when it is anything else, since all of this is only a way around a refusal. */
async function answer<T extends z.ZodType>(
  request: typeof fetch,
  url: string,
  schema: T,
): Promise<z.infer<T> | undefined> {
  const response = await request(url).catch(() => undefined);
  const value: unknown = await response?.json().catch(() => undefined);
  return schema.safeParse(value).data;
}
