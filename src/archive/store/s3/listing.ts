import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { ListOptions, ObjectInfo } from '../ports.ts';

/** Where to look: the bucket, and what every key there begins with. */
export interface Listed {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix: string;
}

/** Objects below a prefix, a thousand a page; the next page is asked for when it is needed. */
export async function* listObjects(
  { client, bucket, prefix: root }: Listed,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ObjectInfo> {
  for (let token: string | undefined; ; ) {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: root + prefix,
        ...afterOrNext(root, options.startAfter, token),
      }),
      { abortSignal: options.signal },
    );
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      // A "folder" that somebody made by hand is an empty object with a slash at its end.
      if (Key === undefined || Key.endsWith('/')) continue;
      yield { key: Key.slice(root.length), size: Size ?? 0, modifiedAt: LastModified ?? new Date(0) };
    }
    token = page.NextContinuationToken;
    if (page.IsTruncated !== true || token === undefined) return;
  }
}

/** Names right below a prefix that have objects below them. */
export async function* listFolders(
  { client, bucket, prefix: root }: Listed,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<string> {
  for (let token: string | undefined; ; ) {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: root + prefix,
        Delimiter: '/',
        ...afterOrNext(root, options.startAfter, token),
      }),
      { abortSignal: options.signal },
    );
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      if (Prefix !== undefined) yield Prefix.slice(root.length + prefix.length, -1);
    }
    token = page.NextContinuationToken;
    if (page.IsTruncated !== true || token === undefined) return;
  }
}

function afterOrNext(root: string, startAfter: string | undefined, token: string | undefined) {
  if (token !== undefined) return { ContinuationToken: token };
  return startAfter === undefined || startAfter === '' ? {} : { StartAfter: root + startAfter };
}
