import { expect, test } from 'vitest';
import { InterruptedError, UsageError } from '../../src/core/errors.ts';
import { databaseSource } from '../../src/data/databaseSource.ts';
import { fileDataset } from '../../src/jobs/datasets.ts';
import { cleared, messageWithoutSecrets, passwordsOf, withoutSecrets } from '../../src/remote/address.ts';
import { at } from '../../src/remote/failure.ts';

test.each([
  ['postgres://me:secret@host:5432/shop?table=a', 'postgres://me:***@host:5432/shop?table=a'],
  ['postgres://me:se/cr@et@host/shop', 'postgres://me:***@host/shop'],
  ['mysql://me:secret@host/shop?query=SELECT a FROM b', 'mysql://me:***@host/shop?query=SELECT a FROM b'],
  ['postgres://me@host/shop?password=secret&table=a', 'postgres://me@host/shop?password=***&table=a'],
  ['https://host/a.csv?X-Amz-Signature=secret&b=1', 'https://host/a.csv?…'],
  ['https://me:secret@host:8080/a@b.csv', 'https://***@host:8080/a@b.csv'],
  ['https://host:8080/a@b.csv', 'https://host:8080/a@b.csv'],
  [
    "FROM postgres_scan('host=a password=secret dbname=b', 's', 't')",
    "FROM postgres_scan('host=a password=*** dbname=b', 's', 't')",
  ],
  [
    "SELECT a FROM 'https://host/a.csv?sig=secret' WHERE b = 'c?d'",
    "SELECT a FROM 'https://host/a.csv?…' WHERE b = 'c?d'",
  ],
  ['s3://bucket/a b/c?d=e', 's3://bucket/a b/c?d=e'],
  ['a plain file?.csv', 'a plain file?.csv'],
])('%s is shown without secrets', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
  expect(cleared({ a: [{ b: text, c: 1 }], d: null })).toEqual({ a: [{ b: shown, c: 1 }], d: null });
});

// Each is a password, token or signature that holds what may end one elsewhere.
test.each([
  ["postgres://q:it'sSEKRET@host/shop?query=SELECT a", 'postgres://q:***@host/shop?query=SELECT a'],
  ['postgres://q:a"SEKRET@host/shop?table=a', 'postgres://q:***@host/shop?table=a'],
  ['mysql://reader:Sek SEKRET@host/shop', 'mysql://reader:***@host/shop'],
  ['postgres://us@er:SEKRET@host:5432/shop', 'postgres://us@er:***@host:5432/shop'],
  ['postgres://me:a?table=SEKRET@host/shop', 'postgres://me:***@host/shop'],
  ['postgres://me:\nSEKRET@host/shop', 'postgres://me:***@host/shop'],
  ["postgres://host/shop?password=it'sSEKRET&table=a", 'postgres://host/shop?password=***&table=a'],
  [
    "postgres://host/shop?query=SELECT * FROM dblink('password=SEKRET dbname=a', 'b')",
    "postgres://host/shop?query=SELECT * FROM dblink('password=*** dbname=a', 'b')",
  ],
  ['postgres://[::1]:5432/shop?table=a@b', 'postgres://[::1]:5432/shop?table=a@b'],
  ['postgres://me@host:5432/shop', 'postgres://me@host:5432/shop'],
  ['postgres://me:***@host/shop?query=SELECT a@b', 'postgres://me:***@host/shop?query=SELECT a@b'],
  ['https://me:Sek/SEKRET@host/a.csv', 'https://***@host/a.csv'],
  ['https://me:Sek?SEKRET#x@host/a.csv', 'https://***@host/a.csv'],
  ['https://SEKRET@host/a.csv', 'https://***@host/a.csv'],
  ['https://SEKRET:x-oauth-basic@host/a.csv', 'https://***@host/a.csv'],
  ['https://[::1]:8080/a@b.csv', 'https://[::1]:8080/a@b.csv'],
  ["https://host/x.csv?sig='a'SEKRET", 'https://host/x.csv?…'],
  ['https://host/x.csv?sig=a SEKRET', 'https://host/x.csv?…'],
  ['az://store/x.csv?sig=SEKRET', 'az://store/x.csv?…'],
  ['mongodb://me:SEKRET@host/a', 'mongodb://***@host/a'],
  ['s3://key:SEK/SEKRET@bucket/a', 's3://***@bucket/a'],
  [
    's3://bucket/a?s3_access_key_id=a&s3_secret_access_key=SEKRET',
    's3://bucket/a?s3_access_key_id=***&s3_secret_access_key=***',
  ],
  [
    "FROM read_csv('https://me:Sek''SEKRET@host/x.csv?sig=''SEKRET''', delim=',')",
    "FROM read_csv('https://***@host/x.csv?…', delim=',')",
  ],
  [
    "FROM postgres_scan('postgres://me:a SEKRET@host/shop','s','t') WHERE a LIKE '%@b'",
    "FROM postgres_scan('postgres://me:***@host/shop','s','t') WHERE a LIKE '%@b'",
  ],
  [
    "FROM postgres_scan('host=a password=''a\\''b SEKRET'' dbname=b', 's', 't')",
    "FROM postgres_scan('host=a password=*** dbname=b', 's', 't')",
  ],
  [
    "FROM read_parquet('s3://b/a', s3_secret_access_key='SEKRET', secret := \"SEKRET\", hive = 1)",
    "FROM read_parquet('s3://b/a', s3_secret_access_key=***, secret := ***, hive = 1)",
  ],
  [
    "SELECT text FROM 'a.csv' WHERE tokens = 3 AND sign = '@'",
    "SELECT text FROM 'a.csv' WHERE tokens = 3 AND sign = '@'",
  ],
])('%s is shown as %s', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
  expect(withoutSecrets(shown)).toBe(shown);
});

test.each([
  [`cannot open mysql://me:Sek SEKRET@host/a: no`, 'cannot open mysql://me:***@host/a: no'],
  [`no file at postgres://q:it'sSEKRET@host/a`, 'no file at postgres://q:***@host/a'],
  [`cannot GET 'https://h/x.csv?sig=it'sSEKRET' (403)`, "cannot GET 'https://h/x.csv?…' (403)"],
  [`cannot GET "https://SEKRET@h/x.csv", again`, 'cannot GET "https://***@h/x.csv", again'],
  [
    `Unable to connect to "host=a password=it'sSEKRET dbname=b": no`,
    'Unable to connect to "host=a password=*** dbname=b": no',
  ],
  [`postgres://me:***@h/a: column "b@c" is not there`, 'postgres://me:***@h/a: column "b@c" is not there'],
  [`https://h/x.csv?… is not there`, 'https://h/x.csv?… is not there'],
  [`s3://nobucket: there is no a@b`, 's3://nobucket: there is no a@b'],
])('%s is said without secrets', (text, shown) => {
  expect(messageWithoutSecrets(text)).toBe(shown);
});

test('passwords as they stand and as they are sent', () => {
  expect(passwordsOf('postgres://me:se%2Fc@r@host/a')).toEqual(['se%2Fc@r', 'se/c@r']);
  expect(passwordsOf('postgres://me@host/a')).toEqual([]);
});

test.each([
  ['postgres://host/shop?table=a.b', { connection: 'postgres://host/shop', table: 'a.b' }],
  ['postgres://host/shop?sslmode=require&table=a', { connection: 'postgres://host/shop?sslmode=require', table: 'a' }],
  [
    'postgres://host/shop?table=a%20b&sslmode=require',
    { connection: 'postgres://host/shop?sslmode=require', table: 'a b' },
  ],
  [
    "mysql://host/shop?query=SELECT 'a?b&table=c' AS d;",
    { connection: 'mysql://host/shop', query: "SELECT 'a?b&table=c' AS d" },
  ],
  ['mariadb://host/shop?query=SELECT+a%2Bb+FROM+c', { connection: 'mysql://host/shop', query: 'SELECT a+b FROM c' }],
  ['data/shop.db?table=a', { scheme: 'sqlite', connection: 'data/shop.db', table: 'a' }],
  [
    'shop.sqlite?query=SELECT a FROM b -- c.db',
    { scheme: 'sqlite', connection: 'shop.sqlite', query: 'SELECT a FROM b -- c.db' },
  ],
  ['shop.sqlite3', { scheme: 'sqlite', connection: 'shop.sqlite3' }],
])('%s names a database', (text, expected) => {
  expect(databaseSource(text)).toMatchObject(expected);
});

test.each(['shop.db?table=', 'postgres://host/shop?query= ; ', 'mysql://host/shop?table=&ssl=1'])(
  '%s names nothing to read',
  (text) => {
    expect(() => databaseSource(text)).toThrow(`${text} names nothing to read: write ?table=NAME or ?query=SELECT …`);
  },
);

test.each(['a.csv', 's3://bucket/a.csv', 'https://host/a.csv?table=b', 'a.db.csv', 'SELECT a FROM b'])(
  '%s names none',
  (text) => {
    expect(databaseSource(text)).toBeUndefined();
  },
);

test('cards tell of places what a reader may know', () => {
  expect(fileDataset('postgres://me:secret@host/shop?table=a')).toEqual({ type: 'sql', name: 'a table of a database' });
  expect(fileDataset('mysql://me@host/shop?query=SELECT 1')).toEqual({ type: 'sql', name: 'a query' });
  expect(fileDataset('https://secret@host')).toMatchObject({ name: '***@host' });
  expect(fileDataset('https://host/a/b.csv?sig=secret')).toEqual({ type: 'csv', name: 'b.csv' });
  expect(fileDataset('s3://bucket/a/b.jsonl.gz')).toEqual({ type: 'json', name: 'b.jsonl.gz' });
});

test('a setting stands before a failure, and an interruption stays one', () => {
  expect(at('--input', new UsageError('nothing there'))).toEqual(new UsageError('--input: nothing there'));
  const stopped = new InterruptedError('stopped');
  expect(at('--input', stopped)).toBe(stopped);
});
