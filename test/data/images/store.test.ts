import { appendFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { create } from 'tar';
import { beforeAll, describe, expect, test } from 'vitest';
import { chosenImages, type ImageStore } from '../../../src/data/images/imageStore.ts';
import { type OpenImagesOptions, openImages } from '../../../src/data/images/openImages.ts';
import { temporaryFolder } from '../../temporary.ts';
import { writeIdx } from './idxFiles.ts';

let folder = '';
beforeAll(async () => {
  folder = temporaryFolder();
  for (const [name, color, size] of pictures) await writePicture(join(folder, 'photos', name), color, size);
  await create({ file: join(folder, 'photos.tar'), cwd: folder }, ['photos']);
  await create({ file: join(folder, 'photos.tar.gz'), cwd: folder, gzip: true }, ['photos']);
});

type Color = readonly [number, number, number];
const pictures: readonly (readonly [string, Color, readonly [number, number]])[] = [
  ['test/cat/1.png', [10, 20, 30], [8, 8]],
  ['train/cat/1.png', [200, 0, 0], [8, 8]],
  ['train/cat/2.webp', [0, 200, 0], [16, 8]],
  ['train/dog/1.png', [0, 0, 200], [8, 8]],
  ['train/dog/nested/2.tiff', [9, 9, 9], [8, 8]],
];

async function writePicture(path: string, [r, g, b]: Color, [width, height]: readonly [number, number]) {
  mkdirSync(dirname(path), { recursive: true });
  const image = sharp({ create: { width, height, channels: 3, background: { r, g, b } } });
  await (path.endsWith('.webp') ? image.webp({ lossless: true }) : image).toFile(path);
}

/** An IDX file of images whose pixels count upwards, with labels beside it. */
function countingIdx(name: string, labels: readonly number[], { rows = 3, columns = 2, gzip = false } = {}): string {
  const pixels = Array.from({ length: labels.length * rows * columns }, (_, i) => i % 256);
  return writeIdx(folder, name, { rows, columns, pixels, labels, gzip });
}

/** Opens, collects the notes, and closes after `look`. */
async function opened<T>(path: string, look: (store: ImageStore) => T, options: Partial<OpenImagesOptions> = {}) {
  const notes: string[] = [];
  const store = await openImages(path, {
    flag: '--data',
    cache: false,
    onNote: (line) => notes.push(String(line)),
    ...options,
  });
  try {
    return { found: look(store), notes };
  } finally {
    store.close();
  }
}

function pixelsOf(store: ImageStore, i: number): number[] {
  const bytes = new Uint8Array(store.height * store.width * store.channels);
  store.read(i, bytes);
  return [...bytes];
}

const failure = (path: string, options: Partial<OpenImagesOptions> = {}) =>
  opened(path, () => 'opened', options).then(
    ({ found }) => found,
    (error: Error) => `${error.name}: ${error.message.replaceAll(folder, 'F')}`,
  );

describe('IDX files', () => {
  test.each([false, true])('images and the labels beside them, gzip %s', async (gzip) => {
    const path = countingIdx(`plain${gzip}`, [7, 3, 7, 0], { gzip });
    const { found, notes } = await opened(path, (store) => ({
      shape: [store.length, store.height, store.width, store.channels],
      classes: store.classes,
      labels: [0, 1, 2, 3].map((i) => store.classes?.[store.labelOf(i) ?? -1]),
      pixels: pixelsOf(store, 2),
    }));
    expect(found).toEqual({
      shape: [4, 3, 2, 1],
      classes: ['0', '3', '7'],
      labels: ['7', '3', '7', '0'],
      pixels: [12, 13, 14, 15, 16, 17],
    });
    expect(notes).toEqual(['--data: 4 images of 3 × 2 grayscale, 3 classes']);
  });

  test('as RGB, and resized', async () => {
    const path = countingIdx('other', [1, 2]);
    const { found } = await opened(path, (store) => pixelsOf(store, 1).slice(0, 6), { channels: 3 });
    expect(found).toEqual([6, 6, 6, 7, 7, 7]);
    const { found: resized } = await opened(path, (store) => pixelsOf(store, 0).length, { height: 6, width: 4 });
    expect(resized).toBe(24);
  });

  test('without labels there are no classes', async () => {
    const path = join(folder, 'nameless.idx');
    writeFileSync(path, readFileSync(countingIdx('source', [1, 2])));
    const { found, notes } = await opened(path, (store) => [store.classes, store.labelOf(0)]);
    expect(found).toEqual([undefined, undefined]);
    expect(notes).toEqual(['--data: 2 images of 3 × 2 grayscale, no labels']);
  });

  test('what is wrong is told in one line', async () => {
    const short = countingIdx('short', [1, 2, 3]);
    truncateSync(short, 16 + 10);
    const long = countingIdx('long', [1, 2, 3]);
    appendFileSync(long, 'x');
    const zipped = countingIdx(
      'zipped',
      Array.from({ length: 400 }, (_, i) => i % 10),
      { gzip: true },
    );
    truncateSync(zipped, 300);
    const unequal = countingIdx('unequal', [1, 2, 3]);
    writeFileSync(join(folder, 'unequal-labels-idx1-ubyte'), readFileSync(join(folder, 'other-labels-idx1-ubyte')));
    writeFileSync(join(folder, 'text.bin'), 'hello world');
    writeFileSync(join(folder, 'tiny.bin'), 'ab');
    const expected: [string, string][] = [
      [
        short,
        'BertuneError: --data: F/short-images-idx3-ubyte is truncated: its header says 3, it ends after 1; get it again',
      ],
      [long, 'BertuneError: --data: F/long-images-idx3-ubyte goes on after the last of 3; get it again'],
      [
        zipped,
        'BertuneError: --data: F/zipped-images-idx3-ubyte.gz is truncated: its gzip data end early; get it again',
      ],
      [
        unequal,
        'BertuneError: --data: F/unequal-images-idx3-ubyte has 3 images, but F/unequal-labels-idx1-ubyte 2 labels; they do not belong together',
      ],
      [
        join(folder, 'other-labels-idx1-ubyte'),
        'UsageError: --data: F/other-labels-idx1-ubyte holds labels; give the file of the images, the labels are found beside it',
      ],
      [
        join(folder, 'text.bin'),
        'UsageError: --data: F/text.bin starts with 0x68656c6c, but an IDX file of images starts with 0x00000803; give such a file, a folder of images or a .tar of one',
      ],
      [
        join(folder, 'tiny.bin'),
        'UsageError: --data: F/tiny.bin ends before its magic number, but an IDX file of images starts with 0x00000803; give such a file, a folder of images or a .tar of one',
      ],
    ];
    for (const [path, message] of expected) expect(await failure(path)).toBe(message);
  });
});

describe('folders and archives', () => {
  const places = () => [
    join(folder, 'photos/train'),
    join(folder, 'photos:train'),
    join(folder, 'photos.tar:photos/train'),
    join(folder, 'photos.tar.gz:photos/train/'),
  ];

  test('hold the same images by class, brought to the first one’s size', async () => {
    for (const place of places()) {
      const { found, notes } = await opened(place, (store) => ({
        shape: [store.length, store.height, store.width, store.channels],
        classes: store.classes,
        seen: Array.from({ length: store.length }, (_, i) => {
          return `${store.classes?.[store.labelOf(i) ?? -1]} ${pixelsOf(store, i).slice(0, 3)} ${pixelsOf(store, i).slice(-3)}`;
        }).sort(),
      }));
      expect(found).toEqual({
        shape: [4, 8, 8, 3],
        classes: ['cat', 'dog'],
        seen: ['cat 0,200,0 0,200,0', 'cat 200,0,0 200,0,0', 'dog 0,0,200 0,0,200', 'dog 9,9,9 9,9,9'],
      });
      expect(notes).toEqual([
        '--data: 4 images of 8 × 8 RGB, 2 classes',
        '--data: 1 image of another size resized to the first one’s; imageSize chooses it'.replace('’', "'"),
      ]);
    }
  });

  test('a size that is asked for needs no note', async () => {
    const { found, notes } = await opened(join(folder, 'photos/train'), (store) => [store.height, store.channels], {
      height: 4,
      width: 4,
      channels: 1,
    });
    expect(found).toEqual([4, 1]);
    expect(notes).toEqual(['--data: 4 images of 4 × 4 grayscale, 2 classes']);
  });

  test('images that cannot be read are left out, counted and named', async () => {
    const place = join(folder, 'damaged');
    await writePicture(join(place, 'a/1.png'), [1, 2, 3], [8, 8]);
    for (let i = 2; i < 7; i++) writeFileSync(join(place, `a/${i}.jpg`), 'no image');
    const whole = readFileSync(join(place, 'a/1.png'));
    writeFileSync(join(place, 'a/0.png'), whole.subarray(0, whole.length - 30));
    const { found, notes } = await opened(place, (store) => store.length);
    expect(found).toBe(1);
    expect(notes.at(-1)).toMatch(
      /^--data: 6 images cannot be read and left out: a\/0\.png \(.+\); a\/2\.jpg \(it contains unsupported image format\); a\/3\.jpg \(.+\), and 3 more$/,
    );
  });

  test('what is wrong is told in one line', async () => {
    mkdirSync(join(folder, 'empty'));
    mkdirSync(join(folder, 'bad'));
    writeFileSync(join(folder, 'bad/1.png'), 'x');
    writeFileSync(join(folder, 'none.tar'), Buffer.alloc(4096, 'x'));
    const archive = readFileSync(join(folder, 'photos.tar'));
    // Within the content of the last image.
    writeFileSync(join(folder, 'cut.tar'), archive.subarray(0, archive.length - 1024 - 700));
    const expected: [string, RegExp][] = [
      [
        join(folder, 'nowhere'),
        /^UsageError: --data: nothing at F\/nowhere; give an IDX file, a folder of images or a \.tar of one$/,
      ],
      [join(folder, 'photos:nowhere'), /^UsageError: --data: no folder at F\/photos\/nowhere$/],
      [join(folder, 'photos.tar:nowhere'), /^BertuneError: --data: F\/photos\.tar holds no images below nowhere$/],
      [join(folder, 'empty'), /^UsageError: --data: the folder F\/empty holds no images \(\.jpg, .+\)$/],
      [
        join(folder, 'bad'),
        /^BertuneError: --data: none of the 1 image in F\/bad can be read; the first is 1\.png \(.+\)$/,
      ],
      [
        join(folder, 'photos'),
        /^UsageError: --data: F\/photos holds the folder test with classes in it; name it: F\/photos:test$/,
      ],
      [
        join(folder, 'photos/test/cat/1.png'),
        /^UsageError: --data: .+1\.png is a single image; give the folder that it lies in$/,
      ],
      [join(folder, 'none.tar'), /^BertuneError: --data: F\/none\.tar is no whole tar archive: .+; get it again$/],
      [join(folder, 'cut.tar'), /^BertuneError: --data: F\/cut\.tar is no whole tar archive: .+; get it again$/],
    ];
    for (const [path, message] of expected) expect(await failure(path)).toMatch(message);
  });
});

describe('the cache', () => {
  const read = (path: string, cache: string) => opened(path, (store) => pixelsOf(store, 0)[0], { cache });

  test('keeps prepared images and notices a changed, damaged or exchanged file', async () => {
    const cache = temporaryFolder();
    const place = join(folder, 'changing');
    await writePicture(join(place, 'a/1.png'), [50, 50, 50], [8, 8]);
    const first = await read(place, cache);
    const second = await read(place, cache);
    expect([first.found, second.found]).toEqual([50, 50]);
    expect(second.notes[0]).toBe(`${first.notes[0]}, as prepared before`);

    const [entry = ''] = readdirSync(join(cache, 'images'));
    appendFileSync(join(cache, 'images', entry, 'pixels.bin'), 'x');
    expect(await read(place, cache)).toEqual(first);

    await writePicture(join(place, 'a/1.png'), [60, 60, 60], [8, 8]);
    expect((await read(place, cache)).found).toBe(60);
    expect(readdirSync(join(cache, 'images')).length).toBe(2);
  });

  test('with another size it is another entry', async () => {
    const cache = temporaryFolder();
    const place = join(folder, 'photos/train');
    await opened(place, () => 0, { cache });
    const { notes } = await opened(place, () => 0, { cache, height: 4, width: 4 });
    expect(notes[0]).not.toContain('as prepared before');
  });
});

test('chosen images have new numbers and say where they are from', async () => {
  const path = countingIdx('chosen', [0, 1, 2, 3, 4]);
  await opened(path, (store) => {
    const some = chosenImages(store, [4, 1, 3]);
    expect([0, 1, 2].map((i) => some.labelOf(i))).toEqual([4, 1, 3]);
    expect(pixelsOf(some, 1)).toEqual(pixelsOf(store, 1));
    const fewer = chosenImages(some, [2, 0]);
    expect([...(fewer.origin.indices ?? [])]).toEqual([3, 4]);
    expect(() => some.labelOf(3)).toThrow('no image 3 of 3');
  });
});
