import { join } from 'node:path';
import { jobs } from '../../src/settings/jobs.ts';
import { bertuneCommand, type Command, pythonScript, threads } from './environment.ts';
import type { DrawFiles } from './fewshotSets.ts';

/** What a side is given. */
export interface Task extends DrawFiles {
  readonly model: string;
  readonly language: 'English' | 'Chinese';
  readonly seed: number;
  /** Minutes for a method that `finetune` chooses itself; its own default when absent. */
  readonly budget?: string | undefined;
  /** A folder to write to. */
  readonly output: string;
}

/** What a side's last line of JSON told. */
export interface Answer {
  /** Test texts that it got right. */
  readonly correct: number;
  /** The method that `finetune` chose itself. */
  readonly chosen?: string;
}

/** A way to make a classifier, in a process of its own. */
export interface Side {
  readonly title: string;
  readonly isOurs: boolean;
  /** Whether what it does depends on the model; those that do not run once for all of them. */
  readonly readsModel: boolean;
  /** What its Python needs. */
  readonly modules: readonly string[];
  command(task: Task): Command;
  answer(result: unknown): Answer;
}

/** Sides of ours by name: `ladder` leaves the choice of the method to `finetune`, which the next one gives unlabeled texts, too. */
export const ourSides: Readonly<Record<string, Side>> = {
  ladder: ourSide('finetune, its own choice'),
  'ladder+unlabeled': ourSide('finetune --unlabeled, its own choice', undefined, true),
  ...Object.fromEntries(
    (jobs.finetune.method.type.words ?? []).map((method) => [method, ourSide(`--method ${method}`, method)]),
  ),
};

/** Other sides by name. */
export const otherSides: Readonly<Record<string, Side>> = {
  svm: otherSide('svm', 'TF-IDF, LinearSVC', ['sklearn']),
  vectors: otherSide('vectors', 'sentence-transformers, LogisticRegression', ['sentence_transformers', 'sklearn']),
  setfit: otherSide('setfit', 'SetFit', ['setfit']),
};

export const allSides: Readonly<Record<string, Side>> = { ...ourSides, ...otherSides };

function ourSide(title: string, method?: string, isUnlabeled = false): Side {
  return {
    ...{ title, isOurs: true, readsModel: method !== 'words', modules: [] },
    command: ({ model, train, test, unlabeled, seed, output, budget }) => ({
      ...bertuneCommand([
        ...['finetune', '--model', model, '--train', train, '--eval', test, ...(method ? ['--method', method] : [])],
        ...(isUnlabeled ? ['--unlabeled', unlabeled] : []),
        ...(budget && !method ? ['--budget', budget] : []),
        ...['--seed', `${seed}`, '--threads', `${threads}`, '--output', output, '--json'],
      ]),
      // What an earlier run kept would be found.
      env: { BERTUNE_CACHE: join(output, '..', 'cache') },
    }),
    answer(result) {
      const { accuracy, count, ladder } = result as {
        accuracy: number;
        count: number;
        ladder?: { chosen: string };
      };
      return { correct: Math.round(accuracy * count), chosen: ladder?.chosen };
    },
  };
}

function otherSide(side: string, title: string, modules: readonly string[]): Side {
  return {
    ...{ title, isOurs: false, readsModel: side !== 'svm', modules },
    command: (task) => pythonScript(title, 'fewshot_reference.py', { ...task, side, threads }),
    answer: (result) => ({ correct: (result as { correct: number }).correct }),
  };
}
