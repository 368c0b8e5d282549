import { expect, test } from 'vitest';
import { databaseSource } from '../../src/data/databaseSource.ts';
import { fileDataset } from '../../src/jobs/datasets.ts';
import { cleared, withoutSecrets } from '../../src/remote/address.ts';

test.each([
  ['postgres://me:secret@host:5432/shop?table=a', 'postgres://me:***@host:5432/shop?table=a'],
  ['postgres://me:se/cr@et@host/shop', 'postgres://me:***@host/shop'],
  ['mysql://me:secret@host/shop?query=SELECT a FROM b', 'mysql://me:***@host/shop?query=SELECT a FROM b'],
  ['postgres://me@host/shop?password=secret&table=a', 'postgres://me@host/shop?password=***&table=a'],
  ['https://host/a.csv?X-Amz-Signature=secret&b=1', 'https://host/a.csv?…'],
  ['https://me:secret@host:8080/a@b.csv', 'https://me:***@host:8080/a@b.csv'],
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
  ['shop.sqlite3', { scheme: 'sqlite', connection: 'shop.sqlite3' }],
])('%s names a database', (text, expected) => {
  expect(databaseSource(text)).toMatchObject(expected);
});

test.each(['a.csv', 's3://bucket/a.csv', 'https://host/a.csv?table=b', 'a.db.csv', 'SELECT a FROM b'])(
  '%s names none',
  (text) => {
    expect(databaseSource(text)).toBeUndefined();
  },
);

test('cards tell of places what a reader may know', () => {
  expect(fileDataset('postgres://me:secret@host/shop?table=a')).toEqual({ type: 'sql', name: 'a table of a database' });
  expect(fileDataset('mysql://me@host/shop?query=SELECT 1')).toEqual({ type: 'sql', name: 'a query' });
  expect(fileDataset('https://host/a/b.csv?sig=secret')).toEqual({ type: 'csv', name: 'b.csv' });
  expect(fileDataset('s3://bucket/a/b.jsonl.gz')).toEqual({ type: 'json', name: 'b.jsonl.gz' });
});
