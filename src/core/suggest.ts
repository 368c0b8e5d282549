/** " (did you mean X?)" for the known name that is nearest to a mistyped one, or nothing when none is near. */
export function didYouMean(typed: string, known: readonly string[]): string {
  const best = nearestName(typed, known);
  return best === undefined ? '' : ` (did you mean ${best}?)`;
}

/** The known name that is nearest to a mistyped one, however either spells several words; undefined when none is near. */
export function nearestName(typed: string, known: readonly string[]): string | undefined {
  const name = kebab(typed);
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name, kebab(candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length * 0.4)))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** A name with its words apart by hyphens, in small letters. */
export function kebab(name: string): string {
  return name
    .replace(/^-+/, '')
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();
}

/** Edit distance in which swapping two neighbours counts as one edit (optimal string alignment), row by row. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (beforeLast[j - 2] ?? Infinity) + 1 : Infinity;
      row.push(Math.min(replaced, swapped, (last[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
}
