/** How things that are wrong lie among those that are right, in the order that they come in. */
export interface Runs {
  /** How likely each is wrong [n], seeing those around it. */
  readonly probabilities: Float64Array;
  /** Mean number of wrong ones in a row; undefined where they lie as chance would have it. */
  readonly length: number | undefined;
}

/** Chances tried that what follows a wrong one is wrong. */
const tried = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
/** Nats by which rows together have to be likelier with runs than without: far beyond what one more number brings by chance. */
const proof = 10;
/** A single one tells no more than that. */
const mostNats = Math.log(1e4);

/**
 * What being wrong and standing beside wrong ones tell together: a hidden Markov chain of two states (Rabiner 1989), the
 * chance to stay wrong chosen by its likelihood. Without clear proof of runs, each counts by itself.
 *
 * @param evidence ln of how much likelier each is seen so when it is wrong than when it is right [n], in their order
 * @param share of all that is wrong, between 0 and 1
 */
export function wrongRuns(evidence: ArrayLike<number>, share: number): Runs {
  const ratios = Float64Array.from(evidence, (nats) => Math.exp(Math.max(-mostNats, Math.min(mostNats, nats))));
  const alone = chain(ratios, share, share);
  let best = { stay: share, ...alone };
  for (const stay of tried) {
    if (stay <= share) continue;
    const one = chain(ratios, share, stay);
    if (one.logLikelihood > best.logLikelihood) best = { stay, ...one };
  }
  if (best.logLikelihood < alone.logLikelihood + proof)
    return { probabilities: alone.probabilities, length: undefined };
  return { probabilities: best.probabilities, length: 1 / (1 - best.stay) };
}

/** Forward and backward through a chain that is wrong at the same share everywhere; `stay`: p(wrong | the one before is). */
function chain(ratios: Float64Array, share: number, stay: number) {
  const count = ratios.length;
  const enter = (share * (1 - stay)) / (1 - share);
  // Seen up to each, p(wrong); each step is scaled, so that nothing runs out of range.
  const forward = new Float64Array(count);
  let logLikelihood = 0;
  let before = share;
  for (let i = 0; i < count; i++) {
    const expected = i === 0 ? share : before * stay + (1 - before) * enter;
    const wrong = expected * (ratios[i] as number);
    logLikelihood += Math.log(wrong + 1 - expected);
    before = wrong / (wrong + 1 - expected);
    forward[i] = before;
  }
  const probabilities = new Float64Array(count);
  // How well each state explains all that follows.
  let [ifWrong, ifRight] = [1, 1];
  for (let i = count - 1; i >= 0; i--) {
    const wrong = (forward[i] as number) * ifWrong;
    const right = (1 - (forward[i] as number)) * ifRight;
    probabilities[i] = wrong / (wrong + right);
    const seen = (ratios[i] as number) * ifWrong;
    const [fromWrong, fromRight] = [stay * seen + (1 - stay) * ifRight, enter * seen + (1 - enter) * ifRight];
    const total = fromWrong + fromRight;
    [ifWrong, ifRight] = [fromWrong / total, fromRight / total];
  }
  return { probabilities, logLikelihood };
}
