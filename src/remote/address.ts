/** How what is named lies somewhere else than on this machine's disks. */
export type Scheme = 's3' | 'https' | 'postgres' | 'mysql' | 'sqlite';

const schemes: Readonly<Record<string, Scheme>> = {
  s3: 's3',
  http: 'https',
  https: 'https',
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
};

/** What an address names; undefined for the path of a file. */
export function schemeOf(text: string): Scheme | undefined {
  const [, scheme = ''] = /^([a-z][a-z0-9]*):\/\//i.exec(text) ?? [];
  const known = scheme.toLowerCase();
  return Object.hasOwn(schemes, known) ? schemes[known] : undefined;
}

/** The scheme of what looks like an address and is none that can be read or written, such as `gs`. */
export function unknownScheme(text: string): string | undefined {
  const [, scheme] = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text) ?? [];
  return schemeOf(text) === undefined ? scheme : undefined;
}

/** An object, or what the keys of several begin with. */
export interface S3Address {
  readonly bucket: string;
  /** Without a slash at its beginning; '' for the whole bucket. */
  readonly key: string;
}

/** `s3://bucket/key` in its parts; the bucket is '' where none is named. */
export function s3Address(text: string): S3Address {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/?(.*)$/is.exec(text) ?? [];
  return { bucket, key };
}

/**
 * What a user gave to be read or written, an address, a path or a query, without the secrets in it: that is what
 * messages, records and cards say. No passwords; of web addresses no names and no queries, which may be tokens and
 * signatures. Of databases the table or query stays.
 */
export function withoutSecrets(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? shownAddress(text) : messageWithoutSecrets(text);
}

/** The same of a sentence that may hold addresses: it is not known where they end, and rather too much is left out. */
export function messageWithoutSecrets(text: string): string {
  const shown = text.replace(
    addresses,
    (all: string, sql: string | undefined, named: string | undefined) =>
      (sql !== undefined && `'${shownAddress(sql.replaceAll("''", "'")).replaceAll("'", "''")}'`) ||
      (named !== undefined && `"${shownAddress(named)}"`) ||
      shownAddress(all),
  );
  return shown.replace(assignments, '$1***');
}

/** Every text within a value without secrets, however deep. */
export function cleared<T>(value: T): T {
  if (typeof value === 'string') return withoutSecrets(value) as T;
  if (Array.isArray(value)) return value.map(cleared) as T;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cleared(item)])) as T;
}

/** The password of a database's address as it stands and as it is sent: what its driver says may hold either. */
export function passwordsOf(connection: string): readonly string[] {
  const [, password = ''] = /^[^:]*:\/\/(?:\[[^\]]*\]|[^:]*):(.*)@/s.exec(connection) ?? [];
  return password === '' ? [] : [password, decoded(password)];
}

/** Percent-encoded characters as they are; what is no such thing stays. */
export function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes;
    }
  });
}

function shownAddress(address: string): string {
  const [, scheme = '', rest = ''] = /^([^:]*:\/\/)(.*)$/s.exec(address) ?? [];
  const kind = schemeOf(address);
  if (kind === 'postgres' || kind === 'mysql') return `${scheme}${shownDatabase(rest)}`;
  const shown = withoutLogin(rest);
  // On S3 and the Hub it stands for any character.
  const mayBePattern = kind === 's3' || /^hf:/i.test(scheme);
  return `${scheme}${mayBePattern ? shown.replace(parameters, '$1***') : shown.replace(/\?.*$/s, '?…')}`;
}

/** What follows `https://`, without name and password. */
function withoutLogin(rest: string): string {
  const [authority = ''] = /^[^/?#]*/.exec(rest) ?? [];
  const end = authority.lastIndexOf('@');
  if (end >= 0) return `***@${rest.slice(end + 1)}`;
  // What stands where a port would, and is none, is a password with a slash or the like in it.
  if (!/:(?!\d*$)[^\]]*$/.test(authority)) return rest;
  return rest.includes('@') ? `***@${rest.slice(rest.lastIndexOf('@') + 1)}` : '***';
}

/** What follows `postgres://`, without password. */
function shownDatabase(rest: string): string {
  const [, before = rest, asked = ''] = /^(.*?)([?&](?:query|table)=.*)$/is.exec(rest) ?? [];
  const [, user, after = ''] = /^(\[[^\]]*\]|[^:]*):(.*)$/s.exec(before) ?? [];
  const tail = /[?&]query=/i.test(asked) ? messageWithoutSecrets(asked) : asked.replace(parameters, '$1***');
  const withTail = (text: string) => `${text.replace(parameters, '$1***')}${tail}`;
  if (user === undefined || after.startsWith('***@')) return withTail(before);
  if (after.includes('@')) return withTail(`${user}:***@${after.slice(after.lastIndexOf('@') + 1)}`);
  if (/^\d*(?:[/?,]|$)/.test(after)) return withTail(before);
  // A password with `?table=` in it, or an address without a host.
  return `${user}:***${asked.includes('@') ? messageWithoutSecrets(asked.slice(asked.lastIndexOf('@'))) : tail}`;
}

const secretName =
  '(?:passw(?:or)?d|passphrase|pwd|secret|(?:session|access|auth)_?token|api_?key|(?:access|account)_?key|signature)';

/** Of an address, up to the next one. */
const parameters = new RegExp(`([?&][\\w.-]*${secretName}\\w*=)[^&]*`, 'gi');

/** What ends a quoted text, where a quote alone may be one within it. */
const end = '(?=[\\s,;|)\\]}]|$)';
const noEnd = end.replace('(?=', '(?!');

/** `password=…`, `s3_secret_access_key = '…'`, `secret := '…'`: in SQL, and in connection strings within its quotes. */
const assignments = new RegExp(
  [
    `((?<!\\w)[\\w.-]*${secretName}\\w*["']?\\s*(?::=|=>|=|%3D)\\s*)(?!\\s|\\*\\*\\*)`,
    `(?:''(?:\\\\''|[^'\\\\]|\\\\.)*''(?!')|'(?:''|[^'])*'|"(?:""|[^"])*"|(?:[^\\s'"]|['"]${noEnd})+)`,
  ].join(''),
  'gi',
);

const anyScheme = '[a-z][a-z0-9+.-]*:\\/\\/';

/** In single quotes, in double quotes, and bare: then to the last `@` where a password may hold spaces. */
const addresses = new RegExp(
  [
    `'(${anyScheme}(?:''|[^']|'${noEnd})*)'${end}`,
    `"(${anyScheme}(?:[^"]|"${noEnd})*)"${end}`,
    `\\b${anyScheme}(?:[^\\s:/?#@]*:(?:\\*\\*\\*@|(?!\\d+(?:[\\s/?,'")]|$))(?=\\S)[^\\n]*@))?\\S*`,
  ].join('|'),
  'gi',
);
