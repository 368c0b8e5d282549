import type { OpAttributes, OpName } from './ops/attributes.ts';
import { at, type OpRecord } from './ops/record.ts';
import { opTable } from './ops/table.ts';
import type { Node, Value } from './value.ts';

/**
 * What the backward half reads in place of the forward half's values: a value itself, which is then kept until it is
 * read; its like, rebuilt from what is kept in any case; or, with `recompute`, the like that the node's segment gives
 * when it is computed once more from what enters it.
 */
export class ForwardValues {
  readonly #dependent: ReadonlySet<Value>;
  readonly #recompute: boolean;
  readonly #read = new Map<Value, Value>();
  readonly #again = new Map<Node, readonly Value[]>();

  /** @param dependent values that depend on what is differentiated by; others are read as they are */
  constructor(dependent: ReadonlySet<Value>, recompute: boolean) {
    this.#dependent = dependent;
    this.#recompute = recompute;
  }

  /** The inputs of a node. */
  inputs(node: Node): readonly Value[] {
    return node.inputs.map((value) => {
      const isWithin = this.#recompute && sameSegment(value.node, node);
      return isWithin || this.#dependent.has(value) ? this.#like(value, isWithin) : value;
    });
  }

  /** The outputs of a node. */
  outputs(node: Node): readonly Value[] {
    return this.#recompute && node.place.segment !== undefined ? this.#computeAgain(node) : node.outputs;
  }

  #like(value: Value, isWithin: boolean): Value {
    const known = this.#read.get(value);
    if (known) return known;
    const like = (value.node && this.#rebuilt(value.node, value)) ?? (isWithin ? this.#outputAgain(value) : value);
    this.#read.set(value, like);
    return like;
  }

  #rebuilt<K extends OpName>(node: Node<K>, value: Value): Value | undefined {
    const record: OpRecord<OpAttributes[K]> = opTable[node.op];
    if (!record.rebuild || value !== node.outputs[0]) return undefined;
    const isAgain = this.#recompute && node.place.segment !== undefined;
    return record.rebuild({ inputs: isAgain ? this.#inputsAgain(node) : node.inputs, attributes: node.attributes });
  }

  #outputAgain(value: Value): Value {
    return value.node ? at(this.#computeAgain(value.node), value.node.outputs.indexOf(value)) : value;
  }

  #inputsAgain(node: Node): Value[] {
    return node.inputs.map((input) => (sameSegment(input.node, node) ? this.#outputAgain(input) : input));
  }

  #computeAgain(node: Node): readonly Value[] {
    const known = this.#again.get(node);
    if (known) return known;
    const [output] = node.outputs;
    const again = output ? output.graph.add(node.op, this.#inputsAgain(node), node.attributes) : [];
    this.#again.set(node, again);
    return again;
  }
}

function sameSegment(a: Node | undefined, b: Node): boolean {
  return a?.place.segment !== undefined && a.place.segment === b.place.segment;
}
