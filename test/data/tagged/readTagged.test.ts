import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { setting } from '../../../src/core/message.ts';
import { readTagged, type TaggedOptions, type TaggedSet } from '../../../src/data/tagged/readTagged.ts';
import { temporaryFolder } from '../../temporary.ts';

const folder = temporaryFolder();
let files = 0;

/** Reads what a file of this name holds, and what is told of it. */
async function read(
  name: string,
  content: string | Buffer,
  options: Partial<TaggedOptions> = {},
): Promise<TaggedSet & { notes: string[] }> {
  const path = join(folder, `${files++}-${name}`);
  writeFileSync(path, content);
  const notes: string[] = [];
  const onNote: TaggedOptions['onNote'] = (line) => notes.push(String(line).replace(path, name));
  const set = await readTagged({ files: [path], flag: setting('train'), onNote, ...options });
  return { ...set, notes };
}

/** Texts with their entities as the parts of the text that they are. */
function shown({ texts }: TaggedSet) {
  return texts.map(({ text, spans }) => [text, spans.map(({ start, end, label }) => [text.slice(start, end), label])]);
}

const line = (record: object) => `${JSON.stringify(record)}\n`;

describe('words and tags in columns', () => {
  const expected = [
    [
      'Anna Berg wrote to Ford .',
      [
        ['Anna Berg', 'PER'],
        ['Ford', 'ORG'],
      ],
    ],
    ['She came', []],
  ];

  test('of four columns with white space, documents and a last sentence without a blank line', async () => {
    const conll = [
      '-DOCSTART- -X- -X- O',
      '',
      'Anna NNP B-NP B-PER',
      'Berg NNP I-NP I-PER',
      'wrote VBD B-VP O',
      'to TO B-PP O',
      'Ford NNP B-NP B-ORG',
      '. . O O',
      '',
      '',
      'She PRP B-NP O',
      'came VBD B-VP O',
    ].join('\n');
    const found = await read('eng.conll', conll);
    expect(shown(found)).toEqual(expected);
    expect(found.texts[0]?.words?.[1]).toEqual([5, 9]);
    expect(found.notes).toEqual([
      'train eng.conll: tags are those of column 4 of 4',
      'train: tags are read as IOB2 (tagScheme), words joined by single spaces',
    ]);
    // The chunks, which another column holds, are entities, too.
    const chunks = await read('eng.conll', conll, { labelColumn: '3' });
    expect(shown(chunks)[1]).toEqual([
      'She came',
      [
        ['She', 'NP'],
        ['came', 'VP'],
      ],
    ]);
  });

  test('with tabs, in gzip, with comments, Windows line ends and hashes as words', async () => {
    const rows = ['# id 1', 'Anna\tS-PER', 'likes\tO', '#\tB-TAG', 'tv\tE-TAG', '', '# id 2', 'ok\tO', ''].join('\r\n');
    const found = await read('a.bioes.gz', gzipSync(rows));
    expect(shown(found)).toEqual([
      [
        'Anna likes # tv',
        [
          ['Anna', 'PER'],
          ['# tv', 'TAG'],
        ],
      ],
      ['ok', []],
    ]);
    expect(found.scheme).toBe('BIOES');
  });

  test('a file that is named for a table is read as columns where it is such', async () => {
    expect(shown(await read('a.tsv', 'Anna\tB-PER\nruns\tO\n\nOh\tO\n'))).toEqual([
      ['Anna runs', [['Anna', 'PER']]],
      ['Oh', []],
    ]);
  });

  test('IOB1 is told from IOB2, and what is neither is said with its place', async () => {
    const first = await read('a.txt', 'Anna I-PER\nBob B-PER\nruns O\n');
    expect([shown(first), first.scheme]).toEqual([
      [
        [
          'Anna Bob runs',
          [
            ['Anna', 'PER'],
            ['Bob', 'PER'],
          ],
        ],
      ],
      'IOB1',
    ]);
    const broken = await read('a.txt', 'Anna B-PER\nBerg I-PER\n\nthe O\nFord I-ORG\n');
    expect(shown(broken)[1]).toEqual(['the Ford', [['Ford', 'ORG']]]);
    expect(broken.notes).toContain(
      'train: 1 tag that IOB2 does not have where they stand, the first in train a.txt, line 4: an entity begins where the type changes',
    );
    const said = await read('a.txt', 'Anna I-PER\n', { scheme: 'IOB2' });
    expect([said.scheme, shown(said)]).toEqual(['IOB2', [['Anna', [['Anna', 'PER']]]]]);
  });

  test('a line with other columns is refused with its number, and a column that is not there', async () => {
    await expect(read('a.conll', 'Anna B-PER\nBerg\n')).rejects.toThrow(
      'line 2 has 1 column where others have 2: "Berg"',
    );
    await expect(read('a.conll', 'Anna B-PER\n', { labelColumn: '3' })).rejects.toThrow(
      'has 2 columns, and labelColumn is 3',
    );
    await expect(read('a.txt', 'only words\nhere now\n')).rejects.toThrow(
      'no word is tagged O, and words has no prefix (B-, I-); labelColumn says which column holds the tags',
    );
    await expect(read('a.conll', 'Anna E-PER\n', { scheme: 'IOB2' })).rejects.toThrow('IOB2 has no tag E-PER');
  });
});

describe('records with the places of entities', () => {
  const text = 'Anna Berg asks for order 12-B';
  const expected = [
    [
      text,
      [
        ['Anna Berg', 'PER'],
        ['12-B', 'ORDER'],
      ],
    ],
  ];

  test.each([
    [
      'objects',
      {
        text,
        entities: [
          { start: 0, end: 9, label: 'PER' },
          { start: 25, end: 29, label: 'ORDER' },
        ],
      },
    ],
    [
      'spaCy',
      {
        text,
        entities: [
          [0, 9, 'PER'],
          [25, 29, 'ORDER'],
        ],
      },
    ],
    [
      'doccano',
      {
        id: 7,
        text,
        label: [
          [25, 29, 'ORDER'],
          [0, 9, 'PER'],
        ],
      },
    ],
    [
      'doccano with relations',
      {
        text,
        entities: [
          { id: 1, label: 'PER', start_offset: 0, end_offset: 9 },
          { id: 2, label: 'ORDER', start_offset: 25, end_offset: 29 },
        ],
        relations: [],
      },
    ],
    [
      'Prodigy',
      {
        text,
        tokens: [{ text: 'Anna', start: 0, end: 4, id: 0 }],
        spans: [
          { start: 0, end: 9, token_start: 0, token_end: 1, label: 'PER' },
          { start: 25, end: 29, label: 'ORDER' },
        ],
        answer: 'accept',
      },
    ],
    [
      'Label Studio, small',
      {
        text,
        label: [
          { start: 0, end: 9, text: 'Anna Berg', labels: ['PER'] },
          { start: 25, end: 29, text: '12-B', labels: ['ORDER'] },
        ],
      },
    ],
    [
      'words and tags',
      {
        tokens: text.split(' '),
        ner_tags: ['B-PER', 'I-PER', 'O', 'O', 'O', 'B-ORDER'],
      },
    ],
  ])('as %s', async (_, record) => {
    expect(shown(await read('a.jsonl', line(record)))).toEqual(expected);
    expect(shown(await read('a.json', JSON.stringify([record, record])))).toEqual([...expected, ...expected]);
  });

  test("as Label Studio's export", async () => {
    const task = (annotations: object[]) => ({ id: 3, data: { message: text }, annotations, predictions: [] });
    const result = (labels: string, start: number, end: number) => {
      return {
        id: 'x',
        from_name: 'label',
        to_name: 'message',
        type: 'labels',
        value: { start, end, text: text.slice(start, end), labels: [labels] },
      };
    };
    const good = { result: [result('PER', 0, 9), { type: 'relation' }, result('ORDER', 25, 29)], was_cancelled: false };
    const found = await read(
      'ls.json',
      JSON.stringify([task([{ result: [], was_cancelled: true }, good]), task([])], null, 2),
    );
    expect(shown(found)).toEqual(expected);
    expect(found.texts[0]?.id).toBe(3);
    expect(found.notes).toEqual(['train: 1 row without an annotation: left out']);
  });

  test('from a query and a table with JSON in a column', async () => {
    const sql = `SELECT '${text}' AS message, [{'start': 0, 'end': 9, 'label': 'PER'}, {'start': 25, 'end': 29, 'label': 'ORDER'}] AS marked`;
    const found = await readTagged({ files: [sql], flag: 'train', textColumn: 'message', labelColumn: 'marked' });
    expect(shown(found)).toEqual(expected);
    const csv = `text,entities\n"${text}","[[0,9,""PER""],[25,29,""ORDER""]]"\nnothing,\n`;
    expect(shown(await read('a.csv', csv))).toEqual([...expected, ['nothing', []]]);
  });

  test('what was rejected or never labeled is left out and told', async () => {
    const found = await read(
      'a.jsonl',
      [
        line({ text, spans: [], answer: 'reject' }),
        line({ text, spans: [], answer: 'accept' }),
        line({ text, answer: 'accept' }),
      ].join(''),
    );
    expect(shown(found)).toEqual([[text, []]]);
    expect(found.notes.sort()).toEqual([
      'train: 1 row answered with reject: left out',
      'train: 1 row without labels on its parts: left out',
    ]);
  });

  test('white space at the ends and repetitions go, and are told', async () => {
    const record = {
      text,
      entities: [
        [0, 10, 'PER'],
        [0, 9, 'PER'],
        [24, 29, 'ORDER'],
      ],
    };
    const found = await read('a.jsonl', line(record));
    expect(shown(found)).toEqual(expected);
    expect(found.notes).toEqual([
      'train: 2 entities with white space at an end: without it',
      'train: 1 entity given twice: taken once',
    ]);
  });

  test.each([
    ['beyond the text', [[25, 40, 'ORDER']], 'row 2: ORDER 25–40 is outside of its text of 29 characters'],
    ['empty', [[3, 3, 'PER']], 'row 2: PER 3–3 is empty'],
    ['white space alone', [[4, 5, 'PER']], 'row 2: PER 4–5 holds white space alone'],
    [
      'nested',
      [
        [0, 9, 'PER'],
        [5, 9, 'NAME'],
      ],
      'row 2: PER "Anna Berg" and NAME "Berg" overlap; a word can have one label',
    ],
    [
      'without a label',
      [{ start: 0, end: 4 }],
      'row 2: {"start":0,"end":4} is no part of a text with start, end and label',
    ],
  ])('%s: refused with its row', async (_, entities, message) => {
    const rows = line({ text, entities: [] }) + line({ text, entities });
    await expect(read('a.jsonl', rows)).rejects.toThrow(message);
  });

  test('numbers in place of tags, and rows without any labels, are refused', async () => {
    await expect(read('a.jsonl', line({ tokens: ['a'], ner_tags: [0] }))).rejects.toThrow('ner_tags holds numbers');
    await expect(read('a.jsonl', line({ text, note: 'x' }))).rejects.toThrow('no row has labels on parts of its text');
  });
});

describe('places in texts with emoji', () => {
  const text = '🙂🙂 Anna has 👩‍🚀 Berg';
  const points = Array.from(text);
  const at = (part: string) => Array.from(text.slice(0, text.indexOf(part))).length;
  const inPoints = {
    text,
    entities: [
      [at('Anna'), at('Anna') + 4, 'PER'],
      [at('Berg'), points.length, 'ORG'],
    ],
  };
  const inUnits = {
    text,
    entities: [
      [text.indexOf('Anna'), text.indexOf('Anna') + 4, 'PER'],
      [text.indexOf('Berg'), text.length, 'ORG'],
    ],
  };
  const expected = [
    [
      text,
      [
        ['Anna', 'PER'],
        ['Berg', 'ORG'],
      ],
    ],
  ];

  test('are told by words, in code points and in code units', async () => {
    const found = await read('a.jsonl', line(inPoints));
    expect(shown(found)).toEqual(expected);
    expect(found.notes).toEqual([
      'train: 1 text with emoji or the like: places are counted in code points, by the words that they begin and end (offsets)',
    ]);
    const other = await read('a.jsonl', line(inUnits));
    expect(shown(other)).toEqual(expected);
    expect(other.notes[0]).toContain('counted in UTF-16 code units');
  });

  test('are what the setting says', async () => {
    expect(shown(await read('a.jsonl', line(inPoints), { offsets: 'code-points' }))).toEqual(expected);
    expect(shown(await read('a.jsonl', line(inUnits), { offsets: 'utf-16' }))).toEqual(expected);
  });

  test('are told by what Label Studio says that they hold', async () => {
    const label = [{ start: text.indexOf('Berg') + 1, end: text.length, text: 'erg', labels: ['ORG'] }];
    expect(shown(await read('a.jsonl', line({ text, label })))).toEqual([[text, [['erg', 'ORG']]]]);
  });
});
