import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { withoutSecrets } from './address.ts';
import { connectionFailure, PassingError } from './failure.ts';

/** A client for S3 and what speaks its protocol, and what it goes by. */
export interface S3Access {
  readonly client: S3Client;
  /** Where it is not Amazon's own. */
  readonly endpoint: string | undefined;
  /** Whether there are no credentials: then only what is public can be read. */
  readonly isAnonymous: boolean;
}

/** Credentials for DuckDB, which asks by itself. */
export interface S3Keys {
  readonly keyId: string;
  readonly secret: string;
  readonly sessionToken: string | undefined;
  readonly region: string;
  readonly endpoint: string | undefined;
}

const opened = new Map<string, Promise<S3Access>>();

/**
 * Access as the environment and the AWS profile say: keys, profiles, single sign-on, roles of machines and containers,
 * AWS_ENDPOINT_URL for another service than Amazon's.
 */
export function s3Access(): Promise<S3Access> {
  const names = Object.keys(process.env).filter((name) => name.startsWith('AWS_'));
  const key = JSON.stringify(names.sort().map((name) => [name, process.env[name]]));
  let access = opened.get(key);
  if (!access) {
    access = open();
    opened.set(key, access);
  }
  return access;
}

/** What DuckDB needs to read the same; undefined without credentials. @throws BertuneError when they cannot be had */
export async function s3Keys(): Promise<S3Keys | undefined> {
  const { client, endpoint, isAnonymous } = await s3Access();
  if (isAnonymous) return undefined;
  const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials();
  const region = await client.config.region();
  return { keyId: accessKeyId, secret: secretAccessKey, sessionToken, region, endpoint };
}

async function open(): Promise<S3Access> {
  namedEndpoint();
  // It would tell of a Node that a later version of it will not run on.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { S3Client } = await import('@aws-sdk/client-s3');
  const settings = { maxAttempts: 3, followRegionRedirects: true, requestHandler: { connectionTimeout: 10_000 } };
  let client = new S3Client(settings);
  const region = await client.config.region().catch(() => 'us-east-1');
  client = new S3Client({ ...settings, region });
  const endpoint = await endpointOf(S3Client, { ...settings, region });
  // Services of one's own seldom have a host name for each bucket.
  if (endpoint !== undefined) client = new S3Client({ ...settings, region, forcePathStyle: true });
  try {
    await client.config.credentials();
    return { client, endpoint, isAnonymous: false };
  } catch (error) {
    if (process.env.AWS_PROFILE || process.env.AWS_ACCESS_KEY_ID) {
      throw new UsageError(`no credentials for S3: ${firstLine(error)}; check AWS_PROFILE and the files in ~/.aws`);
    }
    const unsigned = { signer: { sign: async <T>(request: T) => request }, credentials: noCredentials };
    const shape = endpoint === undefined ? {} : { forcePathStyle: true };
    return { client: new S3Client({ ...settings, region, ...shape, ...unsigned }), endpoint, isAnonymous: true };
  }
}

const noCredentials = { accessKeyId: '', secretAccessKey: '' };

/** @throws UsageError for what is no address of a service */
function namedEndpoint(): string | undefined {
  const name = ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'].find((one) => process.env[one]);
  const value = name === undefined ? undefined : process.env[name];
  if (value === undefined) return undefined;
  if (URL.canParse(value) && /^https?:\/\//i.test(value)) return value;
  throw new UsageError(
    `${name} must be an address such as http://127.0.0.1:9000, got ${JSON.stringify(withoutSecrets(value))}`,
  );
}

/** Another service than Amazon's, which the environment or the profile names: the client tells by where it would ask. */
async function endpointOf(Client: typeof S3Client, settings: S3ClientConfig): Promise<string | undefined> {
  const named = namedEndpoint();
  if (named !== undefined) return named;
  const asked: { protocol: string; hostname: string; port?: number }[] = [];
  const requestHandler: S3ClientConfig['requestHandler'] = {
    async handle(request: (typeof asked)[number]) {
      asked.push(request);
      throw new Error('nothing is sent');
    },
  };
  const credentials = { accessKeyId: 'none', secretAccessKey: 'none' };
  const client = new Client({ ...settings, credentials, requestHandler, maxAttempts: 1 });
  const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
  await client.send(new ListObjectsV2Command({ Bucket: 'bucket' })).catch(() => {});
  const [request] = asked;
  if (!request || /\.amazonaws\.com(\.cn)?$/.test(request.hostname)) return undefined;
  const port = request.port === undefined ? '' : `:${request.port}`;
  return `${request.protocol}//${request.hostname.replace(/^bucket\./, '')}${port}`;
}

/** What went wrong with a request, in one line. @param address of what was asked for */
export function s3Failure(error: unknown, address: string, { endpoint, isAnonymous }: S3Access): BertuneError {
  if (error instanceof BertuneError) return error;
  const name = withoutSecrets(address);
  const { code, status } = factsOf(error);
  const host = endpoint ?? 'Amazon S3';
  if (code === 'NoSuchBucket')
    return new UsageError(`${/^s3:\/\/[^/]*/i.exec(name)?.[0] ?? name}: there is no such bucket at ${host}`);
  if (status === 404) return new UsageError(`${name}: there is no such object at ${host}`);
  if (code === 'InvalidAccessKeyId' || code === 'SignatureDoesNotMatch') {
    return new UsageError(
      `${name}: ${host} does not take the credentials (${code}); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile`,
    );
  }
  if (code === 'ExpiredToken') return new UsageError(`${name}: the credentials have expired; get new ones`);
  if (status === 401 || status === 403 || (isAnonymous && status === 400)) {
    const way = isAnonymous
      ? 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE'
      : 'ask for the right to it';
    return new UsageError(
      `${name}: ${host} refuses ${isAnonymous ? 'without credentials' : 'it to these credentials'} (${code}); ${way}`,
    );
  }
  if (status === 412) return new BertuneError(`${name} changed while it was read; run again`);
  if (status === 301 || status === 307) {
    return new UsageError(`${name}: the bucket lies in another region; set AWS_REGION to it`);
  }
  if (status === undefined) return connectionFailure(error, name, host);
  if (status >= 500 || status === 429)
    return new PassingError(`${name}: ${host} answered ${status} (${code}), again and again; try later`);
  return new BertuneError(`${name}: ${host} answered ${status} (${code}: ${firstLine(error)})`);
}

/** HTTP status and S3's code of what a request threw. */
export function factsOf(error: unknown): { readonly code: string; readonly status: number | undefined } {
  const about = error as { readonly name?: unknown; readonly $metadata?: { readonly httpStatusCode?: unknown } };
  const status = about?.$metadata?.httpStatusCode;
  return { code: String(about?.name ?? ''), status: typeof status === 'number' ? status : undefined };
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0] ?? '';
}
