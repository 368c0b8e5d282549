import { createReadStream } from 'node:fs';
import { s3Address } from './address.ts';
import { asking } from './s3.ts';

/**
 * Puts a file under an address of S3, in parts where it is large: the object appears whole or not at all.
 *
 * @param onBytes hears how many are there
 * @throws UsageError for a bucket that is not there or may not be written to; BertuneError when the network fails
 */
export async function uploadFile(path: string, address: string, onBytes?: (bytes: number) => void): Promise<void> {
  const { bucket, key } = s3Address(address);
  await asking(address, async ({ client }) => {
    const { Upload } = await import('@aws-sdk/lib-storage');
    const upload = new Upload({ client, params: { Bucket: bucket, Key: key, Body: createReadStream(path) } });
    upload.on('httpUploadProgress', ({ loaded = 0 }) => onBytes?.(loaded));
    await upload.done();
  });
}

/** Tells of a bucket that is not there or is refused before there is any work. @throws UsageError */
export async function checkBucket(address: string): Promise<void> {
  const { bucket } = s3Address(address);
  await asking(address, async ({ client }) => {
    const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
    await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: s3Address(address).key, MaxKeys: 1 }));
  });
}

/** Removes an object, if it is there. */
export async function removeObject(address: string): Promise<void> {
  const { bucket, key } = s3Address(address);
  await asking(address, async ({ client }) => {
    const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  });
}
