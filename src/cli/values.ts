import { UsageError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { faultIn } from '../settings/check.ts';
import type { ValueType } from '../settings/valueTypes.ts';

/**
 * Reads the value of a setting from the text of a flag, or from a YAML value.
 *
 * @param place what a message calls the setting: its flag, or its key in a line of the file
 * @throws UsageError when the value is not one of the type
 */
export function readValue<T>(type: ValueType<T>, given: unknown, place: string): T {
  const value = type.read(given);
  if (type.accepts(value)) {
    const flag = [value].flat().find((one) => typeof one === 'string' && /^--[a-z]/.test(one));
    return flag === undefined ? value : refuse(place, 'a value, not the next flag', flag);
  }
  const fault = faultIn(type, value) ?? { value, place: '', expected: type.expected };
  const { expectedText, item, words = item?.words ?? [] } = type;
  const isItem = fault.place !== '';
  const wrong = isItem ? fault.value : given;
  return refuse(place, (!isItem && expectedText) || fault.expected, wrong, didYouMean(String(wrong), words));
}

function refuse(place: string, expected: string, value: unknown, hint = ''): never {
  throw new UsageError(`${place} must be ${expected}, got ${JSON.stringify(value) ?? 'nothing'}${hint}`);
}
