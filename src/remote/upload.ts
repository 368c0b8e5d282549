import { createReadStream } from 'node:fs';
import type { S3Client } from '@aws-sdk/client-s3';
import { throwIfAborted } from '../core/interrupt.ts';
import { s3Address } from './address.ts';
import { asking } from './s3.ts';

/**
 * Puts a file under an address of S3, in parts where it is large: the object appears whole or not at all.
 *
 * @param onBytes hears how many are there
 * @throws UsageError for a bucket that is not there or may not be written to; BertuneError when the network fails;
 * InterruptedError, and nothing is there
 */
export async function uploadFile(
  path: string,
  address: string,
  onBytes?: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  throwIfAborted(signal);
  const { bucket, key } = s3Address(address);
  await asking(address, async ({ client }) => {
    const { Upload } = await import('@aws-sdk/lib-storage');
    const upload = new Upload({
      client: stoppable(client, signal),
      params: { Bucket: bucket, Key: key, Body: createReadStream(path) },
    });
    upload.on('httpUploadProgress', ({ loaded = 0 }) => onBytes?.(loaded));
    try {
      await upload.done();
    } catch (error) {
      throwIfAborted(signal);
      throw error;
    }
  });
}

/**
 * The client, whose requests end with the signal. `Upload.abort` leaves those that are on their way, and does not wait
 * until the parts that were sent are removed; a failed request makes `Upload` do that before it fails itself.
 */
function stoppable(client: S3Client, signal: AbortSignal | undefined): S3Client {
  const send = (command: Parameters<S3Client['send']>[0]) =>
    client.send(command, command.constructor.name === 'AbortMultipartUploadCommand' ? {} : { abortSignal: signal });
  return Object.create(client, { send: { value: send } });
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
