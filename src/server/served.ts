import type { FastifyReply } from 'fastify';
import { RequestError } from './answers.ts';
import type { Batcher } from './batcher.ts';
import { charactersOf, type Explainer } from './explainer.ts';
import type { ModelThread } from './modelThread.ts';
import type { Answers, Question, Task } from './protocol.ts';
import type { ServerLimits } from './requestSchemas.ts';

/** A model that requests are answered with. */
export interface ServedModel {
  readonly thread: ModelThread;
  readonly batcher: Batcher;
  readonly explainer: Explainer;
}

/** By the name that callers give. */
export type ServedModels = ReadonlyMap<string, ServedModel>;

/** Asks a model in a batch with others; when the caller goes away before its turn, it is left out. */
export async function ask<T extends Task>(
  { thread, batcher }: ServedModel,
  reply: FastifyReply,
  task: T,
  question: Question,
): Promise<{ name: string; answers: readonly Answers[T][] }> {
  return { name: thread.info.name, answers: await batcher.ask(task, question, whileAsked(reply)) };
}

/** Aborted when the caller is gone, or has the answer. */
export function whileAsked(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

/** @throws RequestError for a name that is none of a model's, or a model without the head */
export function chooseModel(name: string | undefined, task: Task, served: ServedModels): ServedModel {
  const able = [...served.values()].filter(({ thread }) => thread.info.tasks.includes(task));
  const chosen = name === undefined ? able[0] : served.get(name);
  const names = able.map(({ thread }) => thread.info.name).join(', ');
  if (!chosen && name !== undefined) {
    const known = [...served.keys()].join(', ');
    throw new RequestError(404, `no model ${JSON.stringify(name)} here; there is ${known}`, 'model');
  }
  if (chosen && able.includes(chosen)) return chosen;
  const has = chosen?.thread.info.tasks.join(' and ') ?? [...served.values()][0]?.thread.info.tasks.join(' and ');
  const who = chosen?.thread.info.name ?? 'no model here';
  throw new RequestError(
    400,
    chosen
      ? `${who} cannot ${task}, only ${has}${names === '' ? '' : `; ${names} can`}`
      : `${who} can ${task}, only ${has}`,
    'model',
  );
}

/** @throws RequestError for a model or a server that explains nothing, or more text than may be at once */
export function checkExplained(
  { thread }: ServedModel,
  texts: readonly string[],
  { maxExplained }: Pick<ServerLimits, 'maxExplained'>,
): void {
  if (maxExplained === 0) throw new RequestError(400, 'this server explains nothing; leave explain out', 'explain');
  const { unexplained } = thread.info;
  if (unexplained !== null) throw new RequestError(400, unexplained, 'explain');
  const characters = charactersOf(texts);
  if (characters <= maxExplained) return;
  throw new RequestError(
    400,
    `explain takes texts of ${maxExplained} characters in all, and these have ${characters}; send them in several requests, shorten them, or leave explain out`,
    'explain',
  );
}
