import { randomBits, unitOf } from '../core/random.ts';

/** The epoch of evaluation masks: they never move. */
export const evaluationEpoch = 0xffffffff;

/** Of the chosen tokens, the shares that become [MASK] and a random token; the rest stay (Devlin et al. 2019). */
const maskShare = 0.8;
const randomShare = 0.1;

/** What masking needs to know of a vocabulary. */
export interface MaskingVocabulary {
  readonly maskId: number;
  readonly specialIds: ReadonlySet<number>;
  /** Ids that are not special: what random tokens are drawn from. */
  readonly ordinaryIds: Int32Array;
}

export function maskingVocabulary(size: number, maskId: number, specialIds: ReadonlySet<number>): MaskingVocabulary {
  const ids = Array.from({ length: size }, (_, id) => id).filter((id) => !specialIds.has(id));
  return { maskId, specialIds, ordinaryIds: Int32Array.from(ids) };
}

export interface MaskingOptions {
  readonly vocabulary: MaskingVocabulary;
  readonly probability: number;
  /** Choose whole units (words) rather than tokens. */
  readonly wholeWord: boolean;
  readonly seed: number;
}

export interface MaskedSequence {
  /** The ids that the model sees. */
  readonly inputs: Int32Array;
  /** Places of the chosen tokens, ascending. */
  readonly positions: number[];
  /** Whether nothing was drawn and one token (or word) was chosen instead. */
  readonly forced: boolean;
}

/** Whether the sequence has a token that may be chosen: special tokens never are. */
export function isMaskable(ids: ArrayLike<number>, specialIds: ReadonlySet<number>): boolean {
  for (let i = 0; i < ids.length; i++) if (!specialIds.has(ids[i] as number)) return true;
  return false;
}

/**
 * Dynamic masking of one sequence. Every unit (a token, or a whole word) is chosen with its probability; of those
 * chosen, 80 % become [MASK], 10 % random tokens (drawn for each piece, never special) and 10 % stay, decided once for
 * the whole unit. A sequence in which none was drawn gets one unit, uniformly.
 *
 * Each draw is a function of (seed, epoch, example, position) alone: masks do not depend on batches, threads or
 * packing.
 *
 * @param ids the tokens, without [CLS] and [SEP]
 * @param starts 1 where a unit starts [ids.length]; used for whole words alone
 */
export function maskSequence(
  ids: ArrayLike<number>,
  starts: ArrayLike<number>,
  example: number,
  epoch: number,
  options: MaskingOptions,
): MaskedSequence {
  const { vocabulary, probability, wholeWord, seed } = options;
  const units = maskingUnits(ids, starts, vocabulary.specialIds, wholeWord);
  const chosen = units.filter((unit) => {
    randomBits(seed, 'mask', epoch, example, unit[0] as number, bits);
    return unitOf(bits[0] as number, bits[1] as number) < probability;
  });
  const forced = chosen.length === 0 && units.length > 0;
  if (forced) {
    randomBits(seed, 'mask', epoch, example, forcedDraw, bits);
    chosen.push(units[Math.floor(unitOf(bits[0] as number, bits[1] as number) * units.length)] as number[]);
  }
  const inputs = Int32Array.from(ids);
  for (const unit of chosen) replaceUnit(inputs, unit, example, epoch, options);
  return { inputs, positions: chosen.flat(), forced };
}

const bits = new Uint32Array(4);
/** The "position" of the draw for a sequence in which none was drawn; no sequence is that long. */
const forcedDraw = 0xffffffff;

/** Positions of each unit, special tokens left out. */
function maskingUnits(
  ids: ArrayLike<number>,
  starts: ArrayLike<number>,
  specialIds: ReadonlySet<number>,
  wholeWord: boolean,
): number[][] {
  const units: number[][] = [];
  for (let position = 0; position < ids.length; position++) {
    if (specialIds.has(ids[position] as number)) continue;
    const current = units.at(-1);
    const joins = wholeWord && starts[position] === 0 && current?.at(-1) === position - 1;
    if (joins) current?.push(position);
    else units.push([position]);
  }
  return units;
}

function replaceUnit(
  inputs: Int32Array,
  unit: readonly number[],
  example: number,
  epoch: number,
  options: MaskingOptions,
) {
  const { vocabulary, seed } = options;
  randomBits(seed, 'mask', epoch, example, unit[0] as number, bits);
  const kind = (bits[2] as number) / 2 ** 32;
  for (const position of unit) {
    if (kind < maskShare) inputs[position] = vocabulary.maskId;
    else if (kind < maskShare + randomShare) {
      randomBits(seed, 'mask', epoch, example, position, bits);
      const draw = Math.floor(((bits[3] as number) / 2 ** 32) * vocabulary.ordinaryIds.length);
      inputs[position] = vocabulary.ordinaryIds[draw] as number;
    }
  }
}
