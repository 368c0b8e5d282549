/** Texts of a label, and of the others, from which on a threshold is chosen for it. */
const leastTexts = 5;
/** What is taken where there is nothing to choose by. */
export const usualThreshold = 0.5;
/** F1 by which a threshold has to be better than the usual one, over the texts that have the label: few do not move it. */
const doubt = 0.5;

/**
 * The threshold of one label that gives the best F1 on held-out texts, halfway between two probabilities; of those alike
 * the one nearest to ½. With few texts a threshold has to be better by more than the doubt to leave ½.
 *
 * @param targets 1 where a text has the label [n]
 * @param probabilities of the label [n]; NaN for texts that do not count
 */
export function chosenThreshold(targets: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  const texts = Array.from({ length: targets.length }, (_, i) => ({
    p: probabilities[i] as number,
    t: targets[i] as number,
  }))
    .filter(({ p }) => !Number.isNaN(p))
    .sort((a, b) => b.p - a.p);
  const support = texts.reduce((sum, { t }) => sum + t, 0);
  if (support < leastTexts || texts.length - support < leastTexts) return usualThreshold;
  let best = { score: scoreAt(texts, usualThreshold, support) + doubt / support, threshold: usualThreshold };
  let found = 0;
  for (const [place, { p, t }] of texts.entries()) {
    found += t;
    const below = texts[place + 1]?.p ?? 0;
    if (below === p) continue;
    const threshold = (p + below) / 2;
    const score = (2 * found) / (place + 1 + support);
    const isNearer = Math.abs(threshold - usualThreshold) < Math.abs(best.threshold - usualThreshold);
    if (score > best.score || (score === best.score && isNearer)) best = { score, threshold };
  }
  return best.threshold;
}

function scoreAt(texts: readonly { readonly p: number; readonly t: number }[], threshold: number, support: number) {
  const told = texts.filter(({ p }) => p >= threshold);
  const right = told.reduce((sum, { t }) => sum + t, 0);
  return (2 * right) / (told.length + support);
}
