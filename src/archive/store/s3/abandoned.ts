import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { statusOf } from './faults.ts';
import type { Listed } from './listing.ts';

/** One that old was left by a process that died: its parts are invisible, and paid for. */
const ABANDONED = 24 * 3_600_000;

/** Aborts what uploads were left half-done below the prefix. A server that cannot list them has none to tell of. */
export async function abortAbandoned({ client, bucket, prefix }: Listed, signal: AbortSignal): Promise<void> {
  const { Uploads = [] } = await client
    .send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }), { abortSignal: signal })
    .catch((error: unknown) => {
      // Not allowed, or not known: a rule of the bucket's life cycle is what is left then.
      const status = statusOf(error);
      if (status !== null && status >= 400 && status < 502) return { Uploads: [] };
      throw error;
    });
  for (const { Key, UploadId, Initiated } of Uploads) {
    if (Key === undefined || UploadId === undefined || Initiated === undefined) continue;
    if (!Key.startsWith(prefix) || Date.now() - Initiated.getTime() < ABANDONED) continue;
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }), {
      abortSignal: signal,
    });
  }
}
