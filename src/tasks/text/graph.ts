import { defined, UsageError } from '../../core/errors.ts';
import * as ops from '../../graph/functions.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import { type BlockShape, blockInputs, type TokenBlock } from '../../models/text/block.ts';
import type { Reading } from '../../models/text/heads/head.ts';
import { partsOfAll, type TextModel } from '../../models/text/model.ts';
import { weightedSum } from '../../nn/layers.ts';
import type { ParameterSpec } from '../../nn/parameters.ts';
import { Scope } from '../../nn/scope.ts';
import type { LossGraph } from '../../train/task.ts';
import type { Objective, Term } from './objective.ts';
import { readingGraph } from './reading.ts';

/** How a loss is built. */
export interface LossOptions {
  /** Whether dropout applies. */
  readonly training: boolean;
  /** Parameters that stay what they are: nothing of the backward half is built for them. */
  readonly frozen?: Readonly<Record<string, unknown>>;
  /** Whether the backward half computes each layer once more: the same numbers, less memory, more time. */
  readonly recompute?: boolean;
}

/** Places of each term in a block. */
export type Places = Readonly<Record<string, number>>;

/**
 * The loss of an objective over a block, summed. Beside the block it takes for each term, by the term's name, what is
 * read (see `readingGraph`), `targets`, and `weights`, float32 [places], 0 for places that are not used.
 *
 * @returns also, for each term, the losses that are summed, unweighted [places]
 */
export function objectiveGraph(
  model: TextModel,
  objective: Objective<never>,
  shape: BlockShape,
  places: Places,
  options: LossOptions,
): LossGraph & { readonly each: ReadonlyMap<string, Value> } {
  const graph = new Graph();
  const scope = new Scope(graph, objectiveParameters(model, objective), options);
  const terms = Object.entries(objective.terms);
  const tokens = shape.rows * shape.width;
  const readings = terms.map(([name, term]) => {
    const sizes = { count: places[name] ?? 0, tokens, longest: shape.width };
    return readingGraph(graph, inputName(name, ''), readingOf(model, term), sizes);
  });
  const [only] = readings.length === 1 ? readings : [];
  const pruned = only?.rows;
  const block = blockInputs(graph, shape, model.tellsTexts);
  const hidden = model.encode(scope, block, pruned);
  const further = furtherPasses(model, objective, block, scope, pruned);
  const each = new Map<string, Value>();
  let loss: Value | undefined;
  for (const [i, [name, term]] of terms.entries()) {
    const count = places[name] ?? 0;
    const read = (states: Value) => (pruned ? states : defined(readings[i], name).read(states));
    const outputs = model.outputs(term.head, scope, read(hidden));
    const weights = graph.input(inputName(name, 'weights'), 'float32', [count]);
    const { dtype, size } = term.target;
    const targets = graph.input(inputName(name, 'targets'), dtype, size ? [count, size(model.config)] : [count]);
    const losses = term.loss(outputs, targets, scope, {
      weights,
      pass: () => model.outputs(term.head, further.dropping, read(further.pass())),
      start: () => model.outputs(term.head, further.frozen, read(further.start())),
    });
    if (losses?.shape?.length !== 1 || losses.shape[0] !== count) {
      const got = losses?.shape ? `[${losses.shape.join(', ')}]` : typeof losses;
      throw new UsageError(
        `objective ${objective.name}, term ${name}: loss must give [${count}], one for each place, got ${got}`,
      );
    }
    each.set(name, losses);
    const summed = weightedSum(losses, weights);
    loss = loss ? ops.add(loss, summed) : summed;
  }
  if (!loss) throw new Error(`objective ${objective.name}: it has no term`);
  const { frozen = {}, recompute } = options;
  return { graph, loss, each, parameters: new Map([...scope.used].filter(([name]) => !(name in frozen))), recompute };
}

/** Hidden states of a block's texts as they are, in passes beside the one that every term reads; each is built once. */
function furtherPasses(
  model: TextModel,
  objective: Objective<never>,
  block: TokenBlock,
  scope: Scope,
  pruned: Value | undefined,
) {
  const { graph } = scope;
  const specs = objectiveParameters(model, objective);
  let whole: TokenBlock | undefined;
  const asItIs = (): TokenBlock => {
    if (!objective.givesWhole) return block;
    whole ??= { ...block, ids: graph.input(wholeInput, 'int32', [block.rows, block.width]) };
    return whole;
  };
  // Of two passes over one text it is dropout that tells them apart, when the loss is measured, too.
  const dropping = scope.training ? scope : new Scope(graph, specs, { training: true });
  const frozen = new Scope(graph, specs, { training: false, prefix: startPrefix });
  let passed: Value | undefined;
  let started: Value | undefined;
  return {
    dropping,
    frozen,
    pass() {
      passed ??= model.encode(dropping, asItIs(), pruned);
      return passed;
    },
    start() {
      if (!objective.comparesWithStart) throw new Error(`objective ${objective.name}: it has no comparesWithStart`);
      started ??= model.encode(frozen, asItIs(), pruned);
      return started;
    },
  };
}

/** Name of the input with the tokens of texts as they are, int32 [rows, width]. */
export const wholeInput = 'wholeIds';

/** What the names of the inputs begin with that are the values of the model that training starts from. */
export const startPrefix = 'start ';

/** Everything that an objective trains: the encoder, its heads, and what its terms have of their own. */
export function objectiveParameters(model: TextModel, { terms }: Objective<never>): ParameterSpec[] {
  const heads = Object.values(terms).map(({ head }) => head);
  return [
    ...model.parameters(partsOfAll(model, heads)),
    ...Object.values(terms).flatMap((term) => term.parameters?.(model.config) ?? []),
  ];
}

/** Name of a term's input, or what the names of all begin with. */
export function inputName(term: string, what: 'rows' | 'targets' | 'weights' | ''): string {
  return `${term} ${what}`;
}

/** Which hidden states a term reads. */
export function readingOf(model: TextModel, { head, reads }: Term): Reading {
  return reads ?? model.readingOf(head);
}
