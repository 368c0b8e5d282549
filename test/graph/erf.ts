/**
 * The error function to double precision: a power series with positive terms alone below 3 (Abramowitz & Stegun
 * 7.1.6), the continued fraction of erfc above (7.1.14).
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  return Math.sign(x) * (size < 3 ? erfSeries(size) : 1 - erfcFraction(size));
}

/** 1 - erf(x), without the cancellation for large x. */
export function erfc(x: number): number {
  return x < 3 ? 1 - erf(x) : erfcFraction(x);
}

// erf x = 2/√π exp(-x²) Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1))
function erfSeries(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; n < 100; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return ((2 / Math.sqrt(Math.PI)) * total) / Math.exp(x * x);
}

// erfc x = exp(-x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = 100; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}
