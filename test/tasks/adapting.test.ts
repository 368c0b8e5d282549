import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import { Scope } from '../../src/nn/scope.ts';
import type { Term } from '../../src/tasks/text/objective.ts';
import { contrastive } from '../../src/tasks/text/objectives/contrastive.ts';
import { likeStart } from '../../src/tasks/text/objectives/likeStart.ts';
import { relativeError } from '../graph/differences.ts';
import { evaluate } from '../graph/evaluator.ts';

/** What `fixtures/adapting/make.py` computed with PyTorch in float64. */
interface Case<Name extends string, Trained extends Name> {
  readonly losses: readonly number[];
  readonly gradients: Readonly<Record<Trained, readonly number[]>>;
  readonly values: Readonly<Record<Name, readonly number[]>>;
}

interface Cases {
  readonly contrastive: Raw<'vectors' | 'partners' | 'numbers' | 'weights', 'vectors' | 'partners'> & {
    readonly temperature: number;
  };
  readonly neighbours: Raw<'vectors' | 'start' | 'around' | 'weights', 'vectors'>;
}
type Raw<Name extends string, Trained extends Name> = Omit<Case<Name, Trained>, 'values'> &
  Readonly<Record<Name, readonly number[]>>;

const path = new URL('../fixtures/adapting/values.json', import.meta.url);
const cases: Cases = JSON.parse(readFileSync(path, 'utf8'));

describe('what adapting learns of vectors has the losses and gradients of PyTorch', () => {
  test('telling texts apart by a second pass', () => {
    const { vectors, partners, numbers, weights, temperature, losses, gradients: slopes } = cases.contrastive;
    const found = computed(contrastive(temperature), { vectors, partners, numbers, weights });
    expect(relativeError(found.losses, Float64Array.from(losses))).toBeLessThan(1e-7);
    expect(relativeError(found.vectors, Float64Array.from(slopes.vectors))).toBeLessThan(1e-7);
    expect(relativeError(found.partners, Float64Array.from(slopes.partners))).toBeLessThan(1e-7);
  });

  test('drawing texts to the mean of their neighbours', () => {
    const { vectors, start, around, weights, losses, gradients: slopes } = cases.neighbours;
    const neighbourhood = { dtype: 'float32', shape: [7, 5], data: Float32Array.from(around) } as const;
    const found = computed(likeStart({ neighbourhood }), { vectors, partners: start, weights });
    expect(relativeError(found.losses, Float64Array.from(losses))).toBeLessThan(1e-7);
    expect(relativeError(found.vectors, Float64Array.from(slopes.vectors))).toBeLessThan(1e-7);
    expect(found.partners.every((slope) => slope === 0)).toBe(true);
  });

  test('keeping to the start alone: nothing is lost where a vector is, whatever its length', () => {
    const { vectors, weights } = cases.neighbours;
    const found = computed(likeStart(), { vectors, partners: vectors.map((x) => 2 * x), weights });
    expect(Math.max(...found.losses.map(Math.abs))).toBeLessThan(1e-12);
    expect(Math.max(...found.vectors.map(Math.abs))).toBeLessThan(1e-12);
  });
});

interface Given {
  readonly vectors: readonly number[];
  /** Of the second pass, or of the start. */
  readonly partners: readonly number[];
  readonly numbers?: readonly number[];
  readonly weights: readonly number[];
}

/** A term's losses, and the gradient of their weighted sum by vectors and partners. */
function computed(term: Term, { vectors, partners, weights, numbers = weights.map(() => 0) }: Given) {
  const count = weights.length;
  const shape = [count, vectors.length / count];
  const graph = new Graph();
  const own = graph.input('vectors', 'float32', shape);
  const other = graph.input('partners', 'float32', shape);
  const weight = graph.input('weights', 'float32', [count]);
  const again = { weights: weight, pass: () => other, start: () => ops.stopGradient(other) };
  const losses = term.loss(
    own,
    graph.input('numbers', 'int32', [count]),
    new Scope(graph, [], { training: true }),
    again,
  );
  // Both are in the loss, so that there is a gradient by each.
  const nothing = ops.scale(ops.sum(ops.add(own, other), [0, 1]), 0);
  const loss = ops.add(ops.sum(ops.multiply(losses, weight), [0]), nothing);
  const wanted: readonly Value[] = [losses, ...gradients(loss, [own, other])];
  const given = { vectors, partners, weights, numbers };
  const [lossValues, byVectors, byPartners] = evaluate(
    wanted,
    Object.fromEntries(
      Object.entries(given).map(([name, data]) => [
        name,
        { shape: name === 'vectors' || name === 'partners' ? shape : [count], data: Float64Array.from(data) },
      ]),
    ),
  );
  const dataOf = (value: typeof lossValues) => Float64Array.from(value?.data ?? []);
  return { losses: dataOf(lossValues), vectors: dataOf(byVectors), partners: dataOf(byPartners) };
}
