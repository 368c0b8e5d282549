/** Changes of colour in place. Images are [C, H, W] with values in [0, 1], and stay in that range. */

/** Weights of red, green and blue in the lightness (ITU-R 601-2). */
const [red, green, blue] = [0.2989, 0.587, 0.114] as const;

/** Multiplies with `factor`. */
export function adjustBrightness(image: Float32Array, factor: number): void {
  for (let i = 0; i < image.length; i++) image[i] = clamp((image[i] as number) * factor);
}

/** Moves away from (factor above 1) or towards the mean lightness. */
export function adjustContrast(image: Float32Array, channels: number, factor: number): void {
  const plane = image.length / channels;
  let total = 0;
  for (let i = 0; i < plane; i++) total += channels === 3 ? lightness(image, plane, i) : (image[i] as number);
  const mean = total / plane;
  for (let i = 0; i < image.length; i++) image[i] = clamp(mean + ((image[i] as number) - mean) * factor);
}

/** Moves away from (factor above 1) or towards each pixel's lightness. RGB images. */
export function adjustSaturation(image: Float32Array, factor: number): void {
  const plane = image.length / 3;
  for (let i = 0; i < plane; i++) {
    const gray = lightness(image, plane, i);
    for (let at = i; at < image.length; at += plane) image[at] = clamp(gray + ((image[at] as number) - gray) * factor);
  }
}

/** Gives every channel the lightness. RGB images. */
export function toGrayscale(image: Float32Array): void {
  const plane = image.length / 3;
  for (let i = 0; i < plane; i++) {
    const gray = lightness(image, plane, i);
    for (let at = i; at < image.length; at += plane) image[at] = gray;
  }
}

/** Turns the hue by `shift` of the colour circle, saturation and value (of HSV) kept. RGB images. */
export function adjustHue(image: Float32Array, shift: number): void {
  const plane = image.length / 3;
  for (let i = 0; i < plane; i++) {
    const r = image[i] as number;
    const g = image[i + plane] as number;
    const b = image[i + 2 * plane] as number;
    const value = Math.max(r, g, b);
    const range = value - Math.min(r, g, b);
    if (range === 0) continue;
    const sixth = value === r ? (g - b) / range : value === g ? 2 + (b - r) / range : 4 + (r - g) / range;
    const hue = sixth + 6 * shift;
    image[i] = channelAt(5 + hue, value, range);
    image[i + plane] = channelAt(3 + hue, value, range);
    image[i + 2 * plane] = channelAt(1 + hue, value, range);
  }
}

/** One channel of a colour: `value` less as much of `range` as its place on the circle (in sixths) says. */
function channelAt(place: number, value: number, range: number): number {
  const k = place - 6 * Math.floor(place / 6);
  return value - range * Math.max(0, Math.min(k, 4 - k, 1));
}

function lightness(image: Float32Array, plane: number, i: number): number {
  return red * (image[i] as number) + green * (image[i + plane] as number) + blue * (image[i + 2 * plane] as number);
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}
