import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { StoreFaultError } from '../../errors.ts';

/** Parts of one upload that are on their way at once. */
const AT_ONCE = 2;

export interface MultipartUpload {
  readonly client: S3Client;
  /** For messages. */
  readonly store: string;
  readonly input: CreateMultipartUploadCommandInput;
  /** All of one size but the last (R2 wants that), each at least 5 MiB. */
  readonly blocks: AsyncIterable<Uint8Array>;
  /** The object comes to be only if there is none. */
  readonly onlyNew: boolean;
  readonly signal: AbortSignal;
}

/**
 * Uploads an object in parts, each of which is retried by itself. The object is there once all are; an upload that
 * fails is aborted, so that its parts cost nothing.
 */
export async function uploadInParts(upload: MultipartUpload): Promise<void> {
  const { client, input, signal } = upload;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(input), { abortSignal: signal });
  if (UploadId === undefined) throw new StoreFaultError(upload.store, 'it gave no id to an upload');
  const target = { Bucket: input.Bucket, Key: input.Key, UploadId };
  try {
    const Parts = await sendParts(upload, target);
    await client.send(
      new CompleteMultipartUploadCommand({
        ...target,
        MultipartUpload: { Parts },
        ...(upload.onlyNew ? { IfNoneMatch: '*' } : {}),
      }),
      { abortSignal: signal },
    );
  } catch (error) {
    // The first error is the one to tell. What this leaves behind, the next look for abandoned uploads finds.
    await client.send(new AbortMultipartUploadCommand(target)).catch(() => undefined);
    throw error;
  }
}

type Target = { Bucket: string | undefined; Key: string | undefined; UploadId: string };

async function sendParts(upload: MultipartUpload, target: Target): Promise<CompletedPart[]> {
  const { client, blocks, signal } = upload;
  const failed = new AbortController();
  const abortSignal = AbortSignal.any([signal, failed.signal]);
  const running = new Set<Promise<void>>();
  const parts: CompletedPart[] = [];
  let failure: { readonly error: unknown } | null = null;
  let PartNumber = 0;
  for await (const Body of blocks) {
    PartNumber += 1;
    const part = { PartNumber };
    const sent = client
      .send(new UploadPartCommand({ ...target, ...part, Body }), { abortSignal })
      .then(({ ETag }) => void parts.push({ ...part, ETag }))
      .catch((error: unknown) => {
        failure ??= { error };
        failed.abort();
      })
      .finally(() => running.delete(sent));
    running.add(sent);
    if (running.size >= AT_ONCE) await Promise.race(running);
    if (failure !== null) break;
  }
  await Promise.all(running);
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
}
