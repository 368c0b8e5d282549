import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test as plain } from 'vitest';
import { join as joinParts } from '../../src/jobs/join.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import { runCommand } from '../cli/build.ts';
import { readAll, runSql } from '../data/files.ts';
import { saveTinyClassifier } from '../jobs/tiny.ts';
import { extensions, needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { type Running, startMariadb, startPostgres } from './servers.ts';

const failure = (files: string) =>
  readAll(files).then(
    () => 'no failure',
    (error: Error) => error.message,
  );

if (extensions !== '') {
  needing('postgres').describe('Postgres', () => {
    let server: Running & { sql: (text: string) => void };
    let base = '';
    beforeAll(async () => {
      server = await startPostgres();
      server.sql(`
        CREATE TABLE messages (id int PRIMARY KEY, text text, label text);
        INSERT INTO messages SELECT i, 'message ' || i || ' ä 😀', CASE i % 2 WHEN 0 THEN 'even' ELSE 'odd' END FROM generate_series(1, 20000) i;
        INSERT INTO messages VALUES (20001, NULL, 'odd');
        CREATE SCHEMA other; CREATE TABLE other."Odd Name" (text text, kind text);
        INSERT INTO other."Odd Name" VALUES ('one', 'a'), ('two', 'b');
        CREATE VIEW few AS SELECT * FROM messages WHERE id <= 3;`);
      base = `postgres://owner:p%40ss%2Fword@127.0.0.1:${server.port}/postgres`;
    });
    afterAll(() => server.close());

    plain('a table, its rows in their order, nulls as empty texts', async () => {
      const { rows, columns } = await readAll(`${base}?table=messages`, { labelColumn: 'label' });
      expect(columns).toEqual(['id', 'text', 'label']);
      expect(rows.length).toBe(20001);
      expect(rows[0]).toEqual({ id: 1, text: 'message 1 ä 😀', label: 'odd' });
      expect(rows.map(({ id }) => id)).toEqual(Array.from(rows, (_, i) => i + 1));
      expect(rows.at(-1)?.text).toBe('');
    });

    plain('a view, a table of another schema, a query of its own SQL, encoded or not', async () => {
      expect((await readAll(`${base}?table=few`)).rows.length).toBe(3);
      expect((await readAll(`${base}?sslmode=prefer&table=other."Odd Name"`)).rows).toEqual([
        { text: 'one' },
        { text: 'two' },
      ]);
      const query = "SELECT text, id FROM messages WHERE text ILIKE 'MESSAGE 1%9 %' ORDER BY id DESC LIMIT 2;";
      const expected = [19999, 19989].map((id) => ({ id, text: `message ${id} ä 😀` }));
      expect((await readAll(`${base}?query=${query}`)).rows).toEqual(expected);
      expect((await readAll(`${base}?query=${encodeURIComponent(query)}`)).rows).toEqual(expected);
    });

    plain('a password from the environment', async () => {
      process.env.PGPASSWORD = 'p@ss/word';
      try {
        const address = `postgresql://owner@127.0.0.1:${server.port}/postgres?table=few`;
        expect((await readAll(address)).rows.length).toBe(3);
      } finally {
        delete process.env.PGPASSWORD;
      }
    });

    plain('one line without a secret for what is not there, or refused', async () => {
      const shown = base.replace('p%40ss%2Fword', '***');
      expect(await failure(base)).toBe(
        `--corpus: ${shown} does not say what to read: add ?table=NAME or ?query=SELECT …; it has few, messages, other.Odd Name`,
      );
      expect(await failure(`${base}?table=mesages`)).toBe(
        `--corpus: ${shown}?table=mesages has no table mesages; did you mean messages?`,
      );
      expect(await failure(`${base}?query=SELECT nothing FROM messages`)).toBe(
        `--corpus: ${shown}?query=SELECT nothing FROM messages: column "nothing" does not exist`,
      );
      expect(await failure(`${base.replace('p%40ss', 'wrong')}?table=few`)).toBe(
        `--corpus: ${shown}?table=few: the server takes no such user or password (password authentication failed for user "owner"); set PGPASSWORD or ~/.pgpass`,
      );
      expect(await failure(`${base}?table=few`.replace(`:${server.port}`, ':1'))).toMatch(
        /: no connection \(Connection refused/,
      );
      expect(await failure(`${base.replace(/postgres$/, 'none')}?table=few`)).toMatch(
        /: database "none" does not exist$/,
      );
      expect(await failure(`${base}?table=few&query=SELECT 1`)).toBe(
        `--corpus: ${shown}?table=few&query=SELECT 1: give table= or query=, not both`,
      );
    });

    plain('a password with a quote in it is taken and said nowhere', async () => {
      server.sql(`CREATE ROLE quoted LOGIN PASSWORD 'it''sSEKRET'; GRANT SELECT ON messages TO quoted`);
      const quoted = base.replace('owner:p%40ss%2Fword', "quoted:it'sSEKRET");
      const query = 'query=SELECT text, label FROM messages ORDER BY id LIMIT 40';
      const run = async (address: string) => {
        const words = ['check', '--data', address, '--label-column', 'label', '--json', '--debug'];
        const { code, stdout, stderr } = await runCommand(words);
        expect(`${stdout}${stderr}`).not.toMatch(/SEK|RET/);
        expect(`${stdout}${stderr}`).toContain('quoted:***@127.0.0.1');
        return code;
      };
      expect(await run(`${quoted}?${query}`)).toBe(0);
      const folder = temporaryFolder();
      const model = await saveTinyClassifier(join(folder, 'tiny'), ['even', 'odd']);
      const steps = ['--max-steps', '1', '--batch-tokens', '64', '--threads', '1', '--json', '--debug'];
      const words = ['adapt', '--model', model, '--corpus', `${quoted}?${query}`, '--output', join(folder, 'run')];
      const { code, stdout, stderr } = await runCommand([...words, ...steps]);
      expect({ code, stderr }).toEqual({ code: 0, stderr });
      expect(`${stdout}${stderr}`).not.toMatch(/SEK|RET/);
      expect(readFileSync(join(folder, 'run', 'run.json'), 'utf8')).toContain('quoted:***@127.0.0.1');
      for (const name of readdirSync(join(folder, 'run'), { recursive: true, encoding: 'utf8' })) {
        const file = join(folder, 'run', name);
        if (statSync(file).isFile()) expect(readFileSync(file).includes('SEKRET')).toBe(false);
      }
      expect(await run(`${quoted}?query=SELECT nothing FROM messages`)).toBe(2);
      expect(await run(`${quoted.replace("it's", 'it"s ')}?${query}`)).toBe(2);
    });

    plain('nothing can be written through it', async () => {
      await failure(`${base}?query=DELETE FROM messages RETURNING text`);
      const [row] = (await readAll(`${base}?query=SELECT count(*)::text AS text FROM messages`)).rows;
      expect(row?.text).toBe('20001');
    });

    plain('a part is made anew, for rows may have changed', async () => {
      const folder = temporaryFolder();
      const model = join(folder, 'model');
      await saveTinyClassifier(model, ['asks', 'wants']);
      server.sql("CREATE TABLE asked (id int PRIMARY KEY, text text); INSERT INTO asked VALUES (1, 'old text')");
      const output = join(folder, 'labeled.csv');
      const files = [`${base}?query=SELECT id, text FROM asked ORDER BY id`];
      const notes: string[] = [];
      const make = () =>
        predictFile(
          { model, input: { files }, output, shard: '1/1' },
          { onEvent: (event) => event.type === 'note' && notes.push(event.text) },
        );
      await make();
      server.sql("UPDATE asked SET text = 'new text'");
      await make();
      expect(notes.filter((note) => note.startsWith(output))).toEqual([
        `${output}.part-1-of-1 is there already, but nothing tells whether input changed: it is made anew`,
      ]);
      await joinParts({ output });
      expect(readFileSync(output, 'utf8')).toMatch(/^id,text,label,score\n1,new text,/);
    });
  });

  needing('mariadb').describe('MySQL, as MariaDB speaks it', () => {
    let server: Running & { sql: (text: string) => void };
    let base = '';
    beforeAll(async () => {
      server = await startMariadb();
      server.sql(`USE shop; CREATE TABLE messages (id int PRIMARY KEY, text text, label varchar(9));
        INSERT INTO messages VALUES (1, 'eins ä 😀', 'yes'), (2, 'zwei', 'no'), (3, NULL, 'no')`);
      base = `mysql://reader:p%40ss%20word@127.0.0.1:${server.port}/shop`;
    });
    afterAll(() => server.close());

    plain('the only table, and a query', async () => {
      const { rows } = await readAll(base, { labelColumn: 'label' });
      expect(rows).toEqual([
        { id: 1, text: 'eins ä 😀', label: 'yes' },
        { id: 2, text: 'zwei', label: 'no' },
        { id: 3, text: '', label: 'no' },
      ]);
      const query = `${base}?query=SELECT upper(text) AS text FROM messages WHERE id < 3 ORDER BY id DESC`;
      expect((await readAll(query)).rows).toEqual([{ text: 'ZWEI' }, { text: 'EINS Ä 😀' }]);
    });

    plain('one line for a refused password, a table that is not there, a dead host', async () => {
      const shown = base.replace('p%40ss%20word', '***');
      const wrong = await failure(base.replace('p%40ss', 'wrong'));
      expect(wrong).toMatch(
        /^--corpus: mysql:\/\/reader:\*\*\*@.*: the server takes no such user or password .*; set MYSQL_PWD$/,
      );
      expect(wrong).not.toContain('wrong');
      for (const password of [
        'Sek SEKRET',
        "Se'SEKRET",
        'Se"SEKRET',
        'Se/SEKRET',
        'Se@SEKRET',
        'Se?SEKRET',
        'Se#SEKRET',
      ]) {
        const refused = await failure(base.replace('p%40ss%20word', password));
        expect(refused).toContain('reader:***');
        expect(refused).not.toMatch(/SEK/);
      }
      expect(await failure(`${base}?table=orders`)).toBe(
        `--corpus: ${shown}?table=orders has no table orders; it has messages`,
      );
      expect(await failure(base.replace(`:${server.port}`, ':1'))).toMatch(/: no connection \(/);
    });
  });
}

needing('extensions').describe('SQLite', () => {
  const file = join(temporaryFolder(), 'shop.sqlite');
  beforeAll(async () => {
    await runSql(`LOAD '${join(extensions, 'duckdb_extension_sqlite_scanner/extensions/v1.5.5/sqlite_scanner.duckdb_extension')}'; ATTACH '${file}' AS made (TYPE sqlite);
      CREATE TABLE made.messages AS SELECT range AS id, 'text ' || range AS text FROM range(5000)`);
  });

  plain('a file with one table, the table by its name, a query', async () => {
    const { rows } = await readAll(file);
    expect(rows.length).toBe(5000);
    expect(rows[4999]).toEqual({ id: 4999, text: 'text 4999' });
    expect((await readAll(`${file}?table=messages`)).rows).toEqual(rows);
    expect((await readAll(`${file}?query=SELECT text FROM messages WHERE id > 4997`)).rows).toEqual([
      { text: 'text 4998' },
      { text: 'text 4999' },
    ]);
  });

  plain('one line for a table or a file that is not there', async () => {
    expect(await failure(`${file}?table=none`)).toBe(`--corpus: ${file}?table=none has no table none; it has messages`);
    expect(await failure(`${file}x.sqlite`)).toBe(`--corpus: no file at ${file}x.sqlite`);
  });
});

plain('an extension that is not there is told with the way to get it', async () => {
  const before = process.env.BERTUNE_EXTENSIONS;
  const home = process.env.HOME;
  Object.assign(process.env, { BERTUNE_EXTENSIONS: '/nowhere', HOME: temporaryFolder() });
  try {
    const message = await failure('postgres://owner:secret@127.0.0.1/shop?table=messages');
    expect(message).toMatch(
      /^--corpus: DuckDB's extension postgres_scanner is neither in \/nowhere nor in ~\/\.duckdb/,
    );
    expect(message).toContain('pip download --no-deps duckdb-extension-postgres-scanner==1.5.5');
    expect(message).not.toContain('secret');
  } finally {
    process.env.HOME = home;
    if (before === undefined) delete process.env.BERTUNE_EXTENSIONS;
    else process.env.BERTUNE_EXTENSIONS = before;
  }
});
