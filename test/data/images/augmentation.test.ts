import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Augmentation, Augmenter, augmentations } from '../../../src/data/images/augmentation.ts';
import {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  toGrayscale,
} from '../../../src/data/images/colors.ts';
import { blur, flip, resizedCrop } from '../../../src/data/images/spatial.ts';

interface Fixture {
  readonly height: number;
  readonly width: number;
  readonly pixels: number[];
  readonly crops: { readonly box: [number, number, number, number]; readonly result: number[] }[];
  readonly flipped: number[];
  readonly brightness: { readonly factor: number; readonly result: number[] }[];
  readonly contrast: { readonly factor: number; readonly result: number[] }[];
  readonly contrastOfOneChannel: { readonly factor: number; readonly result: number[] };
  readonly saturation: { readonly factor: number; readonly result: number[] }[];
  readonly hue: { readonly shift: number; readonly result: number[] }[];
  readonly grayscale: number[];
  readonly blur: { readonly deviation: number; readonly result: number[] }[];
}

const fixture: Fixture = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/images/augmentation.json'), 'utf8'),
);
const { height, width } = fixture;
const shape = { height, width, channels: 3 };
const pixels = Uint8Array.from(fixture.pixels);

/** The fixture's image as [C, H, W]. */
function image(): Float32Array {
  const result = new Float32Array(pixels.length);
  resizedCrop(pixels, shape, { top: 0, left: 0, height, width }, result);
  return result;
}

/** Float32 arithmetic on values of at most 1. */
function expectClose(found: Float32Array, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))), 0);
  expect(worst).toBeLessThan(3e-6);
}

describe('transforms agree with a reference in float64', () => {
  test.each(fixture.crops)('crop $box', ({ box: [top, left, h, w], result }) => {
    const found = new Float32Array(pixels.length);
    resizedCrop(pixels, shape, { top, left, height: h, width: w }, found);
    expectClose(found, result);
  });

  test('flip', () => {
    const found = image();
    flip(found, width);
    expectClose(found, fixture.flipped);
  });

  test.each(fixture.brightness)('brightness $factor', ({ factor, result }) => {
    const found = image();
    adjustBrightness(found, factor);
    expectClose(found, result);
  });

  test.each(fixture.contrast)('contrast $factor', ({ factor, result }) => {
    const found = image();
    adjustContrast(found, 3, factor);
    expectClose(found, result);
  });

  test('contrast of one channel', () => {
    const found = image().slice(0, height * width);
    adjustContrast(found, 1, fixture.contrastOfOneChannel.factor);
    expectClose(found, fixture.contrastOfOneChannel.result);
  });

  test.each(fixture.saturation)('saturation $factor', ({ factor, result }) => {
    const found = image();
    adjustSaturation(found, factor);
    expectClose(found, result);
  });

  test.each(fixture.hue)('hue $shift', ({ shift, result }) => {
    const found = image();
    adjustHue(found, shift);
    expectClose(found, result);
  });

  test('grayscale', () => {
    const found = image();
    toGrayscale(found);
    expectClose(found, fixture.grayscale);
  });

  test.each(fixture.blur)('blur $deviation', ({ deviation, result }) => {
    const found = image();
    blur(found, shape, deviation, new Float32Array(height * width));
    expectClose(found, result);
  });
});

describe('random choices', () => {
  const view = (augmentation: Augmentation, [seed, epoch, example, number]: readonly number[]) => {
    const into = new Float32Array(pixels.length);
    new Augmenter(shape, augmentation, seed ?? 0).view(pixels, epoch ?? 0, example ?? 0, number ?? 0, into);
    return into;
  };
  const all: Augmentation = {
    ...augmentations.contrastive(3),
    blur: { probability: 0.5, deviation: [0.1, 2] },
    noise: { probability: 0.5, deviation: 0.1 },
  };

  test('a view is a function of seed, epoch, image and view, and changes with each', () => {
    const base = view(all, [1, 2, 3, 1]);
    expect(view(all, [1, 2, 3, 1])).toEqual(base);
    for (const other of [
      [2, 2, 3, 1],
      [1, 3, 3, 1],
      [1, 2, 4, 1],
      [1, 2, 3, 0],
    ]) {
      expect(view(all, other)).not.toEqual(base);
    }
  });

  test('what is not asked for does not happen', () => {
    expect(view({}, [5, 1, 1, 1])).toEqual(image());
    expect(view({ flip: 0, grayscale: 0 }, [5, 1, 1, 1])).toEqual(image());
  });

  test('each happens as often as asked for, and values stay in [0, 1]', () => {
    const mirrored = image();
    flip(mirrored, width);
    const draws = 4000;
    let flips = 0;
    let grays = 0;
    for (let i = 0; i < draws; i++) {
      if (view({ flip: 0.3 }, [9, 0, i, 0]).every((value, j) => value === mirrored[j])) flips++;
      const seen = view(all, [9, 0, i, 0]);
      expect(seen.every((value) => value >= 0 && value <= 1)).toBe(true);
      const gray = view({ grayscale: 0.2 }, [9, 1, i, 0]);
      if (gray[1] === gray[1 + height * width]) grays++;
    }
    // Four standard deviations.
    expect(Math.abs(flips / draws - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / draws));
    expect(Math.abs(grays / draws - 0.2)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / draws));
  });

  test('crops cover the areas and places they should', () => {
    // Every pixel says where it stands, so the corners of a view tell its box.
    const side = 64;
    const ramp = Uint8Array.from({ length: side * side * 3 }, (_, i) => {
      const at = Math.floor(i / 3);
      return i % 3 === 0 ? Math.floor(at / side) * 3 : i % 3 === 1 ? (at % side) * 3 : 0;
    });
    const into = new Float32Array(ramp.length);
    const augmenter = new Augmenter(
      { height: side, width: side, channels: 3 },
      { crop: { area: [0.2, 1], ratio: [3 / 4, 4 / 3] } },
      3,
    );
    const plane = side * side;
    let [least, most, mean] = [1, 0, 0];
    const count = 2000;
    for (let i = 0; i < count; i++) {
      augmenter.view(ramp, 0, i, 0, into);
      const at = (place: number) => Math.round((into[place] as number) * 85);
      const h = at(plane - 1) - at(0) + 1;
      const w = at(2 * plane - 1) - at(plane) + 1;
      const share = (h * w) / plane;
      expect(w / h).toBeGreaterThan(0.7);
      expect(w / h).toBeLessThan(1.4);
      least = Math.min(least, share);
      most = Math.max(most, share);
      mean += share / count;
    }
    expect(least).toBeGreaterThan(0.19);
    expect(least).toBeLessThan(0.22);
    expect(most).toBeGreaterThan(0.9);
    // 0.6 if every box fitted; of large ones, some are drawn again.
    expect(mean).toBeGreaterThan(0.52);
    expect(mean).toBeLessThan(0.6);
  });

  test('noise has the deviation asked for', () => {
    const gray = new Uint8Array(64 * 64).fill(128);
    const into = new Float32Array(64 * 64);
    new Augmenter({ height: 64, width: 64, channels: 1 }, { noise: { probability: 1, deviation: 0.1 } }, 1).view(
      gray,
      0,
      0,
      0,
      into,
    );
    const mean = into.reduce((sum, value) => sum + value, 0) / into.length;
    const deviation = Math.sqrt(into.reduce((sum, value) => sum + (value - mean) ** 2, 0) / into.length);
    expect(mean).toBeCloseTo(128 / 255, 2);
    expect(Math.abs(deviation - 0.1)).toBeLessThan(0.005);
  });
});
