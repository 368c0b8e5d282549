import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { checkPicturePath, writeSheet } from '../../../src/data/images/sheet.ts';
import { temporaryFolder } from '../../temporary.ts';

const folder = temporaryFolder();

/** Where the n-th pixel of a line of tiles lies: which tile and which pixel of it; undefined between them. */
function placeOf(n: number, size: number, scale: number): readonly [number, number] | undefined {
  const tile = Math.floor(n / (size * scale + 4));
  const within = n - tile * (size * scale + 4) - 4;
  return within < 0 ? undefined : [tile, Math.floor(within / scale)];
}

test.each([
  ['gray', 1, 2, 3, 48],
  ['in colours', 3, 4, 3, 24],
  ['larger than a tile', 3, 200, 7, 1],
])('every pixel of a sheet of images, %s', async (_, channels, height, width, scale) => {
  const imageOf = (row: number, column: number) =>
    // Some below 0 and above 1, as networks give.
    Float32Array.from(
      { length: channels * height * width },
      (_, i) => ((i * 37 + row * 11 + column * 5) % 101) / 80 - 0.1,
    );
  const rows = [[imageOf(0, 0), imageOf(0, 1), imageOf(0, 2)], [imageOf(1, 0)]];
  const path = join(folder, 'new', `sheet-${scale}.png`);
  await writeSheet(path, rows, { height, width, channels });
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ channels: 3, width: 3 * (width * scale + 4) + 4, height: 2 * (height * scale + 4) + 4 });
  let wrong = 0;
  for (let y = 0; y < info.height; y++) {
    for (let x = 0; x < info.width; x++) {
      const [down, across] = [placeOf(y, height, scale), placeOf(x, width, scale)];
      const image = down && across ? rows[down[0]]?.[across[0]] : undefined;
      for (let c = 0; c < 3; c++) {
        const at = ((channels === 3 ? c : 0) * height + (down?.[1] ?? 0)) * width + (across?.[1] ?? 0);
        const value = image ? Math.round(255 * Math.min(1, Math.max(0, image[at] as number))) : 255;
        if (data[(y * info.width + x) * 3 + c] !== value) wrong++;
      }
    }
  }
  expect(wrong).toBe(0);
});

test('replaces a picture as a whole and leaves nothing beside it', async () => {
  const own = join(temporaryFolder(), 'own');
  const path = join(own, 'a.PNG');
  await writeSheet(path, [[Float32Array.of(1)]], { height: 1, width: 1, channels: 1 });
  const first = readFileSync(path);
  await writeSheet(path, [[Float32Array.of(0)]], { height: 1, width: 1, channels: 1 });
  expect(readFileSync(path).equals(first)).toBe(false);
  expect(readdirSync(own)).toEqual(['a.PNG']);
});

test('places that cannot be written to are told in one line', async () => {
  await expect(checkPicturePath('views.jpg', '--preview')).rejects.toThrow(
    '--preview: pictures are written to .png, not to views.jpg',
  );
  writeFileSync(join(folder, 'file'), '');
  const path = join(folder, 'file', 'a.png');
  await expect(writeSheet(path, [[Float32Array.of(1)]], { height: 1, width: 1, channels: 1 })).rejects.toThrow(
    `${join(folder, 'file')} cannot be made: a file is in the way`,
  );
});
