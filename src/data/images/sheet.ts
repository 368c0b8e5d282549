import { writeFile } from 'node:fs/promises';
import { UsageError } from '../../core/errors.ts';
import { type Origin, say } from '../../core/message.ts';
import { checkOutputFile, writeOutputFile } from '../outputFile.ts';

/** The size and colours of the images of a sheet. */
export interface TileShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Pixels between images. */
const gap = 4;
/** Height that small images are enlarged to, about. */
const shownHeight = 96;

/**
 * Checks the path of a picture before there is any work.
 * @throws UsageError when it does not end in .png or cannot be written to
 */
export async function checkPicturePath(path: string, flag: Origin): Promise<void> {
  if (!/\.png$/i.test(path)) throw new UsageError(say`${flag}: pictures are written to .png, not to ${path}`);
  await checkOutputFile(path);
}

/**
 * Writes rows of images as one PNG on white; small images are enlarged, their pixels kept as squares.
 *
 * @param rows images [C, H, W] with values in [0, 1]
 * @throws UsageError when the path cannot be written to
 */
export async function writeSheet(path: string, rows: readonly (readonly Float32Array[])[], shape: TileShape) {
  const { height, width } = shape;
  const scale = Math.max(1, Math.round(shownHeight / height));
  const columns = Math.max(...rows.map((row) => row.length));
  const sheetWidth = columns * (width * scale + gap) + gap;
  const sheetHeight = rows.length * (height * scale + gap) + gap;
  const pixels = new Uint8Array(sheetHeight * sheetWidth * 3).fill(255);
  rows.forEach((row, y) => {
    row.forEach((image, x) => {
      const top = gap + y * (height * scale + gap);
      const left = gap + x * (width * scale + gap);
      drawTile(pixels, sheetWidth, top, left, image, shape, scale);
    });
  });
  const { default: sharp } = await import('sharp');
  const raw = { width: sheetWidth, height: sheetHeight, channels: 3 } as const;
  const png = await sharp(pixels, { raw }).png().toBuffer();
  await writeOutputFile(path, (partial) => writeFile(partial, png));
}

function drawTile(
  pixels: Uint8Array,
  sheetWidth: number,
  top: number,
  left: number,
  image: Float32Array,
  { height, width, channels }: TileShape,
  scale: number,
): void {
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < width * scale; x++) {
      const place = Math.floor(y / scale) * width + Math.floor(x / scale);
      const at = ((top + y) * sheetWidth + left + x) * 3;
      for (let c = 0; c < 3; c++) {
        const value = image[(channels === 3 ? c : 0) * height * width + place] as number;
        pixels[at + c] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    }
  }
}
