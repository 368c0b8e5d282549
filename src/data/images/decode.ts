import type { Sharp } from 'sharp';
import { BertuneError, messageOf } from '../../core/errors.ts';

/** The size and colours that every image of a set is brought to. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  /** 1 for grayscale, 3 for RGB. */
  readonly channels: 1 | 3;
}

/** Size and colours that are given; the others are the first image's. */
export type WantedShape = Partial<ImageShape>;

/** Endings of the files that are taken for images. */
export const imageEndings = [
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
  '.svg',
] as const;

export function isImageName(name: string): boolean {
  return imageEndings.some((ending) => name.toLowerCase().endsWith(ending));
}

/**
 * One image as bytes [height, width, channels]: upright, on white where it is transparent, its middle cut to the wanted
 * proportions, resized.
 *
 * @throws BertuneError for pixels of which it is not known what is black and what is white; what sharp throws on an image
 * that cannot be read
 */
export async function decodeImage(file: Uint8Array, shape: ImageShape): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const image = sharp(file);
  const { depth } = await image.metadata();
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw new BertuneError(`its pixels are no whole numbers of 8 or 16 bits but ${depth}: save it with such`);
  }
  return pixelsOf(image.autoOrient(), shape);
}

/** The shape of an image, with what is wanted over it. @throws what sharp throws on an image that cannot be read */
export async function shapeOf(file: Uint8Array, wanted: WantedShape): Promise<ImageShape> {
  const { default: sharp } = await import('sharp');
  const { autoOrient, space } = await sharp(file).metadata();
  const isGray = space === 'b-w' || space === 'grey16';
  const { height = autoOrient.height, width = autoOrient.width, channels = isGray ? 1 : 3 } = wanted;
  return { height, width, channels };
}

/** Bytes [height, width] of a grayscale image in another shape. */
export async function reshapeGray(
  pixels: Uint8Array,
  from: { readonly height: number; readonly width: number },
  shape: ImageShape,
): Promise<Uint8Array> {
  if (from.height === shape.height && from.width === shape.width) {
    return shape.channels === 1
      ? pixels
      : Uint8Array.from({ length: 3 * pixels.length }, (_, i) => pixels[(i / 3) | 0] as number);
  }
  const { default: sharp } = await import('sharp');
  return pixelsOf(sharp(pixels, { raw: { width: from.width, height: from.height, channels: 1 } }), shape);
}

async function pixelsOf(image: Sharp, { height, width, channels }: ImageShape): Promise<Uint8Array> {
  const { data, info } = await image
    .flatten({ background: '#ffffff' })
    .resize(width, height, { fit: 'cover' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== channels) throw new BertuneError(`it has ${info.channels} channels, not ${channels}`);
  return data;
}

/**
 * Why an image could not be read, in one line without the library's names for it: that it is no image of a kind that is
 * known, that it is empty, or else that it is damaged, with what the decoder says of where.
 */
export function decodeFault(error: unknown): string {
  const lines = messageOf(error)
    .split('\n')
    .map((line) => line.trim());
  const said = lines.find((line) => line !== '' && !line.startsWith('Warning treated as error')) ?? '';
  if (/unsupported image format/.test(said) || error instanceof BertuneError) {
    return said.replace(/^Input (buffer|file) (contains|has)/, 'it $2');
  }
  if (/^Input buffer is empty/i.test(said)) return 'it is empty';
  const where = said
    .replace(/^Input (buffer|file) has corrupt header:?\s*/, '')
    .replace(/^(vips\w+|\w+load(_buffer)?):\s*/i, '');
  return where === '' ? 'it is damaged' : `it is damaged: ${where}`;
}
