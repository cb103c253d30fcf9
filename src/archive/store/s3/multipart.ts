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
import { release } from '../content.ts';

/** Parts of one upload that are on their way at once. */
const AT_ONCE = 2;
/** Milliseconds: whoever ends waits for it. */
const ABORT_WITHIN = 3_000;

export interface MultipartUpload {
  readonly client: S3Client;
  /** For messages. */
  readonly store: string;
  readonly input: CreateMultipartUploadCommandInput;
  /** All of one size but the last (R2 wants that), each at least 5 MiB. Nobody may read one after it was given. */
  readonly blocks: AsyncIterable<Uint8Array>;
  /** The object comes to be only if there is none: the server sees to it. */
  readonly onlyNew: boolean;
  /** Asked before the object comes to be; false: it is not to. */
  mayComplete?(): Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Uploads an object in parts, each of which is retried by itself. The object is there once all are; an upload that
 * fails is aborted, so that its parts cost nothing.
 *
 * @returns false where it was not to be completed
 */
export async function uploadInParts(upload: MultipartUpload): Promise<boolean> {
  const { client, input, signal } = upload;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(input), { abortSignal: signal });
  if (UploadId === undefined) throw new StoreFaultError(upload.store, 'it gave no id to an upload');
  const target = { Bucket: input.Bucket, Key: input.Key, UploadId };
  try {
    const Parts = await sendParts(upload, target);
    if (upload.mayComplete !== undefined && !(await upload.mayComplete())) {
      await abort(upload, target);
      return false;
    }
    await client.send(
      new CompleteMultipartUploadCommand({
        ...target,
        MultipartUpload: { Parts },
        ...(upload.onlyNew ? { IfNoneMatch: '*' } : {}),
      }),
      { abortSignal: signal },
    );
    return true;
  } catch (error) {
    await abort(upload, target);
    throw error;
  }
}

type Target = { Bucket: string | undefined; Key: string | undefined; UploadId: string };

/** What it fails to abort, the next look for abandoned uploads finds: the first error is the one to tell. */
async function abort({ client }: MultipartUpload, target: Target): Promise<void> {
  const abortSignal = AbortSignal.timeout(ABORT_WITHIN);
  await client.send(new AbortMultipartUploadCommand(target), { abortSignal }).catch(() => undefined);
}

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
      .then(({ ETag }) => {
        parts.push({ ...part, ETag });
        release(Body);
      })
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
