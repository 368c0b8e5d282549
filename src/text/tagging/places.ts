/** What tells the number of code points before a place in code units; places are asked for in their order, or not. */
export function codePointsAt(text: string): (unit: number) => number {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return (unit) => unit;
  const points = new Int32Array(text.length + 1);
  let count = 0;
  for (let i = 0; i < text.length; ) {
    const size = (text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1;
    points.fill(count, i, i + size);
    count++;
    i += size;
  }
  points[text.length] = count;
  return (unit) => points[unit] ?? count;
}
