import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { create } from 'tar';
import { beforeEach, expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { openImages } from '../../../src/data/images/openImages.ts';
import { temporaryFolder } from '../../temporary.ts';

let folder = '';
beforeEach(() => {
  folder = temporaryFolder();
});

async function picture(name: string): Promise<void> {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  const image = sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } });
  writeFileSync(join(folder, name), await (name.endsWith('.png') ? image.png() : image.jpeg()).toBuffer());
}

function file(name: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), 'no image');
}

async function opened(name: string): Promise<{ classes: readonly string[]; length: number; notes: string[] }> {
  const notes: string[] = [];
  const onNote = (line: unknown) => notes.push(String(line));
  const store = await openImages(join(folder, name), { flag: '--data', cache: false, onNote });
  const { classes = [], length } = store;
  store.close();
  return { classes, length, notes };
}

test('linked classes and linked images are read, each image once a class', async () => {
  for (const name of ['set/cat/1.png', 'set/dog/1.png', 'real/owl/1.png', 'real/owl/2.png', 'all/9.png']) {
    await picture(name);
  }
  symlinkSync('../real/owl', join(folder, 'set/owl'));
  symlinkSync('../../all/9.png', join(folder, 'set/dog/9.png'));
  symlinkSync('../../all/9.png', join(folder, 'set/cat/9.png'));
  symlinkSync('9.png', join(folder, 'set/cat/9-again.png'));
  symlinkSync('..', join(folder, 'set/cat/up'));
  const { classes, length, notes } = await opened('set');
  expect({ classes, length }).toEqual({ classes: ['cat', 'dog', 'owl'], length: 6 });
  expect(notes).toContain('--data: left out: 1 link to a folder above, 1 link to what is read already');
});

test('a folder of links alone is a folder of images', async () => {
  for (const name of ['real/cat/1.png', 'real/dog/1.jpg']) await picture(name);
  mkdirSync(join(folder, 'links'));
  for (const name of ['cat', 'dog']) symlinkSync(`../real/${name}`, join(folder, 'links', name));
  expect(await opened('links')).toMatchObject({ classes: ['cat', 'dog'], length: 2 });
});

test('what is no image is counted, and a class that ends up empty is named', async () => {
  for (const name of ['set/cat/1.png', 'set/dog/1.JPG', 'set/dog/2.jfif']) await picture(name);
  for (const name of ['set/cat/a.heic', 'set/owl/1.bmp', 'set/owl/2.bmp', 'set/bad/1.png', 'set/.DS_Store']) file(name);
  const { classes, notes } = await opened('set');
  expect(classes).toEqual(['cat', 'dog']);
  expect(notes.slice(1)).toEqual([
    '--data: 1 image cannot be read and left out: bad/1.png (it contains unsupported image format)',
    '--data: left out: 2 .bmp, 1 .heic',
    '--data: no image in owl: no class of that name',
    '--data: no image of bad can be read: no class of that name',
  ]);
  await create({ file: join(folder, 'set.tar'), cwd: join(folder, 'set') }, ['cat', 'dog', 'owl']);
  expect((await opened('set.tar')).notes.slice(1)).toEqual(['--data: left out: 2 .bmp, 1 .heic']);
});

/** An uncompressed TIFF of 4 x 4 gray pixels: a header, one directory of 12-byte entries, the pixels. */
function grayTiff(bits: number, sampleFormat: number, pixels: Buffer): Buffer {
  const entries = [
    [256, 4],
    [257, 4],
    [258, bits],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 4],
    [279, pixels.length],
    [339, sampleFormat],
  ];
  const directory = Buffer.alloc(2 + 12 * entries.length + 4);
  directory.writeUInt16LE(entries.length, 0);
  for (const [i, [tag = 0, value = 0]] of entries.entries()) {
    const at = 2 + 12 * i;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(4, at + 2);
    directory.writeUInt32LE(1, at + 4);
    directory.writeUInt32LE(value, at + 8);
  }
  const header = Buffer.from('49492a0000000000', 'hex');
  header.writeUInt32LE(8 + pixels.length, 4);
  return Buffer.concat([header, pixels, directory]);
}

test('pixels that are not of 8 or 16 bits are left out rather than black', async () => {
  await picture('set/cat/1.png');
  mkdirSync(join(folder, 'set/dog'));
  const floats = Buffer.from(Float32Array.from({ length: 16 }, (_, i) => i / 15).buffer);
  writeFileSync(join(folder, 'set/dog/float.tif'), grayTiff(32, 3, floats));
  const { length, notes } = await opened('set');
  expect(length).toBe(1);
  expect(notes).toContain(
    '--data: 1 image cannot be read and left out: dog/float.tif (its pixels are no whole numbers of 8 or 16 bits but float: save it with such)',
  );
  expect(notes).toContain('--data: no image of dog can be read: no class of that name');
});

test.each([8, 16])('a TIFF of %s bits keeps its shades', async (bits) => {
  mkdirSync(join(folder, 'set'));
  const shades = Array.from({ length: 16 }, (_, i) => i * 17);
  const pixels = Buffer.alloc(16 * (bits / 8));
  for (const [i, shade] of shades.entries()) {
    if (bits === 8) pixels[i] = shade;
    else pixels.writeUInt16LE(shade * 257, 2 * i);
  }
  writeFileSync(join(folder, 'set/gray.tif'), grayTiff(bits, 1, pixels));
  const store = await openImages(join(folder, 'set'), { flag: '--data', cache: false });
  const found = new Uint8Array(16);
  store.read(0, found);
  store.close();
  expect([...found]).toEqual(shades);
});

test('a folder without images says what it holds', async () => {
  for (const name of ['set/1.bmp', 'set/2.bmp', 'set/3.psd']) file(name);
  await expect(opened('set')).rejects.toThrow(UsageError);
  await expect(opened('set')).rejects.toThrow(/holds no images \(.*\); it holds 2 \.bmp, 1 \.psd$/);
});
