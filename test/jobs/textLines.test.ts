import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { InterruptedError, UsageError } from '../../src/core/errors.ts';
import { textLines } from '../../src/jobs/textLines.ts';

async function read(...chunks: Buffer[]): Promise<{ lines: string[]; notes: string[] }> {
  const notes: string[] = [];
  const lines: string[] = [];
  const onEvent = (event: { type: string; text?: string }) => notes.push(String(event.text));
  for await (const line of textLines(Readable.from(chunks), 'standard input', { onEvent })) lines.push(line);
  return { lines, notes };
}

test('a byte order mark is no part of the text, in whatever encoding it says', async () => {
  const lines = ['the café', '中文 😀'];
  const text = `\ufeff${lines.join('\r\n')}`;
  const wide = Buffer.from(text, 'utf16le');
  for (const bytes of [Buffer.from(text), wide, Buffer.from(wide).swap16()]) {
    expect(await read(bytes)).toEqual({ lines, notes: [] });
    // However the bytes are cut after the mark.
    const parts = Array.from(bytes.subarray(4), (byte) => Buffer.from([byte]));
    expect(await read(bytes.subarray(0, 4), ...parts)).toEqual({ lines, notes: [] });
  }
});

test('bytes that are not UTF-8 become U+FFFD and are told', async () => {
  const { lines, notes } = await read(Buffer.from('caf\xe9\n', 'latin1'), Buffer.from([0xff]));
  expect(lines).toEqual(['caf\ufffd', '\ufffd']);
  expect(notes).toEqual([
    '2 invalid UTF-8 byte sequences in standard input replaced by U+FFFD; if the text has another encoding, convert it, as with iconv -f WINDOWS-1252 -t UTF-8',
  ]);
});

test('what is no text is refused', async () => {
  await expect(read(gzipSync('text'))).rejects.toThrow(
    new UsageError('standard input is packed with gzip; unpack it: gunzip -c'),
  );
  await expect(read(Buffer.from('%PDF-1.7'))).rejects.toThrow(
    new UsageError('standard input is a PDF; extract its text'),
  );
  await expect(read(Buffer.from('a\n'), Buffer.from('b\0\n'))).rejects.toThrow(
    new UsageError('standard input holds zero bytes, which no text does; give it in UTF-8'),
  );
});

test('a line is there before the next one comes, and the signal ends the waiting', async () => {
  const stream = new PassThrough();
  const controller = new AbortController();
  const lines = textLines(stream, 'standard input', { signal: controller.signal });
  stream.write('one\n');
  expect(await lines.next()).toEqual({ done: false, value: 'one' });
  const next = lines.next();
  controller.abort();
  await expect(next).rejects.toThrow(InterruptedError);
  expect(stream.isPaused()).toBe(true);
});
