import { DeleteObjectCommand, DeleteObjectsCommand, type S3Client } from '@aws-sdk/client-s3';
import { nameOf, statusOf } from './faults.ts';

/** What DeleteObjects takes. */
const AT_MOST = 1000;
/** Where each has to be asked for by itself. */
const AT_ONCE = 8;
/** What servers say that do not know the call, or want a checksum (MD5) for it that nobody else does. */
const UNKNOWN_CALL = new Set([
  'NotImplemented',
  'MethodNotAllowed',
  'MissingContentMD5',
  'InvalidDigest',
  'BadDigest',
]);

/** Removes objects by their full keys, in the order given: no key of a later thousand goes before an earlier one. */
export async function deleteObjects(
  client: S3Client,
  bucket: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < keys.length; from += AT_MOST) {
    const some = keys.slice(from, from + AT_MOST);
    if (some.length === 1 || !(await deleteAtOnce(client, bucket, some, signal)))
      await deleteOneByOne(client, bucket, some, signal);
  }
}

/** False: the server does not know the call. */
async function deleteAtOnce(
  client: S3Client,
  bucket: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { Errors = [] } = await client.send(
      new DeleteObjectsCommand({
        Bucket: bucket,
        Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
      }),
      { abortSignal: signal },
    );
    const first = Errors.find(({ Code }) => Code !== 'NoSuchKey');
    if (first !== undefined)
      throw Object.assign(new Error(`${first.Key}: ${first.Message ?? ''}`), { name: first.Code ?? 'Error' });
    return true;
  } catch (error) {
    if (statusOf(error) === 501 || UNKNOWN_CALL.has(nameOf(error))) return false;
    throw error;
  }
}

async function deleteOneByOne(
  client: S3Client,
  bucket: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    await Promise.all(
      keys
        .slice(from, from + AT_ONCE)
        .map((Key) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key }), { abortSignal: signal })),
    );
  }
}
