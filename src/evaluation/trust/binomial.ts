/** ln Γ(x), by Lanczos' series (g = 7, nine terms): right to about 15 digits. */
function logGamma(x: number): number {
  const t = x + 6.5;
  let sum = 0.99999999999980993;
  for (const [i, term] of lanczos.entries()) sum += term / (x + i);
  return Math.log(2 * Math.PI) / 2 + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** P(X ≤ k) of X ~ Binomial(n, p). */
export function binomialTail(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n || p <= 0) return 1;
  if (p >= 1) return 0;
  return incompleteBeta(n - k, k + 1, 1 - p);
}

/**
 * The upper end of the one-sided interval of a share, `k` of `n`: the p at which so few are as unlikely as 1 - confidence
 * (Clopper & Pearson 1934).
 */
export function upperBound(k: number, n: number, confidence: number): number {
  if (k >= n) return 1;
  return root((p) => binomialTail(k, n, p) - (1 - confidence));
}

/** The lower end of the same. */
export function lowerBound(k: number, n: number, confidence: number): number {
  if (k <= 0) return 0;
  return root((p) => 1 - confidence - (1 - binomialTail(k - 1, n, p)));
}

/** Where a falling function crosses 0 within [0, 1]. */
function root(f: (p: number) => number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (f(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** I_x(a, b), by the continued fraction of Lentz (DLMF 8.17.22). */
function incompleteBeta(a: number, b: number, x: number): number {
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
  );
  let [c, d, result] = [1, 1 / safe(1 - ((a + b) * x) / (a + 1)), 0];
  result = d;
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    const change = d * c;
    result *= change;
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return front * result;
}

function safe(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value;
}
