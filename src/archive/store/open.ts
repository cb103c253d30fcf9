import { FileStore } from './file/file-store.ts';
import type { ObjectStore } from './ports.ts';
import type { S3Settings } from './s3/client.ts';
import { parseStoreUrl, storeName } from './url.ts';

/** Settings for a bucket that needs none. */
export const DEFAULT_S3: S3Settings = {
  endpoint: null,
  region: null,
  pathStyle: false,
  caFile: null,
  credentials: null,
  storageClass: null,
  serverSideEncryption: null,
  kmsKeyId: null,
};

/**
 * The store of a URL. Nothing is connected to and nothing read: `check` does that. The S3 client is loaded only where
 * the URL is one of S3.
 *
 * @throws ArchiveSettingsError for a URL that names no store
 */
export async function openStore(url: string, s3: S3Settings = DEFAULT_S3): Promise<ObjectStore> {
  const location = parseStoreUrl(url);
  if (location.kind === 'file') return new FileStore(location.directory);
  const { S3Store } = await import('./s3/s3-store.ts');
  return await S3Store.open(storeName(location), { ...s3, bucket: location.bucket, prefix: location.prefix });
}
