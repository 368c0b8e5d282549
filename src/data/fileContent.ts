/** What the first bytes of a file say that it is, whatever its name says. */
export type Content =
  | { readonly kind: 'text' | 'page' | 'gzip' | 'parquet' }
  /** `title` with its article: "a zip archive"; `wayOut` what to do with it. */
  | { readonly kind: 'other'; readonly title: string; readonly wayOut: string };

/** What starts like nothing that is known counts as text; whether it is shows when it is read. */
export function contentOf(head: Uint8Array): Content {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const known = signatures.find(({ magic, at = 0 }) => bytes.subarray(at, at + magic.length).equals(magic));
  if (known !== undefined) return known.content(bytes);
  return { kind: /^\ufeff?\s*(<!doctype html|<html[\s>])/i.test(bytes.toString('utf8', 0, 512)) ? 'page' : 'text' };
}

interface Signature {
  readonly magic: Buffer;
  readonly at?: number;
  readonly content: (head: Buffer) => Content;
}

const unpack = 'unpack it';
const convert = 'export its texts as .csv, .jsonl or .parquet';

const signatures: readonly Signature[] = [
  signature('1f8b', { kind: 'gzip' }),
  signature(ascii('PAR1'), { kind: 'parquet' }),
  { magic: Buffer.from('PK\x03\x04'), content: zipContent },
  signature(ascii('PK\x05\x06'), other('an empty zip archive', 'check where it comes from')),
  signature('28b52ffd', other('packed with zstd', `${unpack}: zstd -d`)),
  { ...signature('314159265359', other('packed with bzip2', `${unpack}: bunzip2`)), at: 4 },
  signature('fd377a585a00', other('packed with xz', `${unpack}: xz -d`)),
  signature('04224d18', other('packed with lz4', `${unpack}: lz4 -d`)),
  signature('377abcaf271c', other('a 7z archive', unpack)),
  signature(ascii('Rar!\x1a\x07'), other('a RAR archive', unpack)),
  { ...signature(ascii('ustar'), other('a tar archive', `${unpack}: tar -xf`)), at: 257 },
  signature('d0cf11e0a1b11ae1', other('an old Excel or Word file', 'save it as .csv in UTF-8')),
  signature(ascii('{\\rtf'), other('an RTF document', 'save it as plain text in UTF-8')),
  signature(ascii('%PDF-'), other('a PDF', 'extract its text')),
  signature(ascii('ARROW1\0'), other('an Arrow or Feather file', convert)),
  signature(ascii('FEA1'), other('a Feather file', convert)),
  signature(ascii('Obj\x01'), other('an Avro file', convert)),
  signature(ascii('SQLite format 3\0'), other('an SQLite database', 'name it .sqlite or .db, and it is read as one')),
  signature('894844460d0a1a0a', other('an HDF5 file', convert)),
  ...['RDX2\n', 'RDX3\n'].map((magic) => signature(ascii(magic), other('an R data file', convert))),
  signature('934e554d5059', other('a NumPy array', convert)),
  ...[2, 3, 4, 5].map((version) => signature(`80${version.toString(16).padStart(2, '0')}`, other('a pickle', convert))),
  ...['89504e47', 'ffd8ff', ascii('GIF89a')].map((magic) => signature(magic, other('an image', 'give texts'))),
  signature('7f454c46', other('a program', 'give texts')),
  signature(
    ascii('version https://git-lfs.github.com/spec/'),
    other('the pointer that Git LFS keeps in place of a file', 'fetch the file itself: git lfs pull'),
  ),
];

function signature(magic: string | Buffer, content: Content): Signature {
  return { magic: typeof magic === 'string' ? Buffer.from(magic, 'hex') : magic, content: () => content };
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function other(title: string, wayOut: string): Content {
  return { kind: 'other', title, wayOut };
}

function zipContent(head: Buffer): Content {
  const first = head.subarray(30).toString('latin1');
  if (/^(\[Content_Types\]\.xml|_rels\/|xl\/|docProps\/|word\/|ppt\/)/.test(first)) {
    return other('an Excel or Word file of today', 'name a workbook .xlsx, and save a document as plain text in UTF-8');
  }
  if (/^mimetypeapplication\/vnd\.oasis/.test(first)) return other('an OpenDocument file', 'save it as .csv in UTF-8');
  return other('a zip archive', `${unpack}: unzip`);
}
