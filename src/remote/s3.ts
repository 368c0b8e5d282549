import type { Readable } from 'node:stream';
import { UsageError } from '../core/errors.ts';
import { type S3Address, s3Address, withoutSecrets } from './address.ts';
import { factsOf, type S3Access, s3Access, s3Failure } from './client.ts';
import type { RemoteObject } from './remoteObject.ts';

/** The object of an address; undefined when there is none of that key. @throws UsageError for a bucket that is not there */
export async function headS3(address: string): Promise<RemoteObject | undefined> {
  const { bucket, key } = checked(address);
  if (key === '' || key.endsWith('/')) return undefined;
  return asking(address, async ({ client }) => {
    const { GetObjectCommand, HeadObjectCommand } = await import('@aws-sdk/client-s3');
    try {
      const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return objectOf(bucket, key, found.ContentLength ?? 0, found.ETag);
    } catch (error) {
      const { status } = factsOf(error);
      if (status === 404) return undefined;
      // An answer without a body does not say why.
      if (status === 403 || status === 400)
        await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: 'bytes=0-0' }));
      throw error;
    }
  });
}

/** The objects whose keys begin with that of an address, in the order of their keys. */
export async function listS3(address: string): Promise<RemoteObject[]> {
  const { bucket, key: prefix } = checked(address);
  return asking(address, async ({ client }) => {
    const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
    const objects: RemoteObject[] = [];
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
      for (const { Key: key = '', Size: bytes = 0, ETag: tag } of page.Contents ?? []) {
        // Consoles make empty objects that stand for folders.
        if (key !== '' && !key.endsWith('/')) objects.push(objectOf(bucket, key, bytes, tag));
      }
    }
    return objects.sort((a, b) => (a.address < b.address ? -1 : 1));
  });
}

/** The bytes of an object from one on, as long as it is the same that was found. */
export async function readS3({ address, version }: RemoteObject, from: number, to?: number): Promise<Readable> {
  const { bucket, key } = checked(address);
  return asking(address, async ({ client }) => {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const range = from > 0 || to !== undefined ? `bytes=${from}-${to ?? ''}` : undefined;
    const asked = new GetObjectCommand({ Bucket: bucket, Key: key, Range: range, IfMatch: version && `"${version}"` });
    const { Body: body } = await client.send(asked);
    return body as Readable;
  });
}

/** Does something with the bucket of an address, failures in words. */
export async function asking<T>(address: string, ask: (access: S3Access) => Promise<T>): Promise<T> {
  const access = await s3Access();
  try {
    return await ask(access);
  } catch (error) {
    throw s3Failure(error, address, access);
  }
}

function objectOf(bucket: string, key: string, bytes: number, tag: string | undefined): RemoteObject {
  const address = `s3://${bucket}/${key}`;
  return {
    scheme: 's3',
    address,
    name: withoutSecrets(address),
    fileName: key,
    bytes,
    version: tag?.replaceAll('"', ''),
    takesRanges: true,
  };
}

function checked(address: string): S3Address {
  const parts = s3Address(address);
  if (parts.bucket === '') throw new UsageError(`${withoutSecrets(address)} names no bucket; write s3://BUCKET/KEY`);
  return parts;
}
