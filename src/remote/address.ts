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

/**
 * A text without the secrets of addresses and connection strings in it, which is what messages, records and cards say:
 * no passwords, and of web addresses no queries, which may be signatures.
 */
export function withoutSecrets(text: string): string {
  return text
    .replace(/\b((?:postgres(?:ql)?|mysql|mariadb):\/\/[^\s:/?#@'"]*):[^\s'"]*@/gi, '$1:***@')
    .replace(/\b((?:https?|s3):\/\/[^\s:/?#@'"]*):[^\s'"/]*@/gi, '$1:***@')
    .replace(/\b(https?:\/\/[^\s?'"]+)\?[^\s'"]*/gi, '$1?…')
    .replace(/\b(passwd|password|sslpassword|pwd|secret|session_token)(\s*=\s*)('[^']*'|[^&\s'"]+)/gi, '$1$2***');
}

/** The same of every text within a value, however deep. */
export function cleared<T>(value: T): T {
  if (typeof value === 'string') return withoutSecrets(value) as T;
  if (Array.isArray(value)) return value.map(cleared) as T;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cleared(item)])) as T;
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
