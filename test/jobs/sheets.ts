import sharp from 'sharp';
import { expect } from 'vitest';

/** A sheet of images of one size taken apart again. */
export interface Sheet {
  readonly rows: number;
  readonly columns: number;
  /** The bytes [height, width, 3] of a place's image; undefined where the sheet is white. */
  at(row: number, column: number): number[] | undefined;
}

const gap = 4;
const shownHeight = 96;

/** Decodes a PNG of images in rows, 4 white pixels around each, every pixel a square that makes them about 96 high. */
export async function readSheet(path: string, height: number, width: number): Promise<Sheet> {
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ format: 'raw', channels: 3 });
  const scale = Math.max(1, Math.round(shownHeight / height));
  const pixel = (y: number, x: number) => [...data.subarray(3 * (y * info.width + x), 3 * (y * info.width + x) + 3)];
  const [rows, columns] = [(info.height - gap) / (height * scale + gap), (info.width - gap) / (width * scale + gap)];
  expect([Number.isInteger(rows), Number.isInteger(columns)]).toEqual([true, true]);
  const isWhite = (y: number, x: number) => pixel(y, x).every((value) => value === 255);
  for (let y = 0; y < info.height; y++) for (let x = 0; x < gap; x++) expect(isWhite(y, x)).toBe(true);
  return {
    rows,
    columns,
    at(row, column) {
      const [top, left] = [gap + row * (height * scale + gap), gap + column * (width * scale + gap)];
      const bytes: number[] = [];
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const corner = pixel(top + y * scale, left + x * scale);
          const opposite = pixel(top + (y + 1) * scale - 1, left + (x + 1) * scale - 1);
          expect(opposite, 'a pixel is one square').toEqual(corner);
          bytes.push(...corner);
        }
      }
      expect(isWhite(top - 1, left) && isWhite(top + height * scale, left), 'white around an image').toBe(true);
      return bytes.every((byte) => byte === 255) ? undefined : bytes;
    },
  };
}

/** Gray bytes as a sheet holds them: the same in red, green and blue. */
export function inThreeColours(gray: ArrayLike<number>): number[] {
  return Array.from(gray).flatMap((byte) => [byte, byte, byte]);
}
