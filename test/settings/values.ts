import type { ValueType } from '../../src/settings/valueTypes.ts';

async function* noTexts() {}

/** Some value that a type takes; null where none of these is one. */
export function valueOfType(type: ValueType<unknown>): unknown {
  const words = type.words ?? type.item?.words;
  const candidates = [
    ...(words ? [words[0], [words[0]]] : []),
    ...[true, 12, 0.5, 1, 3, 'en', ['en'], 'SELECT 1', 'team/name', '1/2', [2], { files: ['a.csv'] }, noTexts()],
  ];
  return candidates.find((value) => type.accepts(value)) ?? null;
}
