import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeFault } from '../../../src/data/images/decode.ts';

describe('why an image cannot be read', () => {
  const image = sharp({
    create: {
      width: 64,
      height: 64,
      channels: 3,
      background: 'red',
      noise: { type: 'gaussian', mean: 128, sigma: 30 },
    },
  });
  const half = async (bytes: Promise<Buffer>) => (await bytes).subarray(0, (await bytes).length >> 1);
  const damaged: [name: string, bytes: () => Promise<Buffer>, fault: RegExp][] = [
    [
      'a checksum that is not right',
      async () => {
        const bytes = await image.clone().png().toBuffer();
        bytes[29] = (bytes[29] as number) ^ 255;
        return bytes;
      },
      /^it is damaged: IHDR: CRC error$/,
    ],
    ['half a PNG', () => half(image.clone().png().toBuffer()), /^it is damaged: libpng read error$/],
    ['half a JPEG', () => half(image.clone().jpeg().toBuffer()), /^it is damaged: premature end of JPEG image$/],
    ['half a WebP', () => half(image.clone().webp({ lossless: true }).toBuffer()), /^it is damaged: /],
    ['half a GIF', () => half(image.clone().gif().toBuffer()), /^it is damaged: Unexpected end of GIF source data$/],
    ['no image', async () => Buffer.from('hello'), /^it contains unsupported image format$/],
    ['nothing', async () => Buffer.alloc(0), /^it is empty$/],
  ];
  test.each(damaged)('%s', async (_, bytes, fault) => {
    const read = async () =>
      sharp(await bytes())
        .raw()
        .toBuffer();
    const error: unknown = await read().catch((error: unknown) => error);
    expect(decodeFault(error)).toMatch(fault);
  });
});
