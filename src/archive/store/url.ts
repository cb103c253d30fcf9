import { isAbsolute, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArchiveSettingsError } from '../errors.ts';

/** Where an archive is. */
export type StoreLocation =
  | { readonly kind: 's3'; readonly bucket: string /** '' or ends with `/`. */; readonly prefix: string }
  | { readonly kind: 'file'; readonly directory: string };

/** Bucket names of S3, and the underscores and capitals that others (Ceph, old ones of AWS) let be. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
const REMEDY =
  'Write it as s3://bucket/prefix or file:///absolute/path; endpoint, region and credentials have settings of their own.';

/**
 * Reads `s3://bucket/prefix` or `file:///path`.
 *
 * @throws ArchiveSettingsError
 */
export function parseStoreUrl(text: string): StoreLocation {
  const refuse = (why: string): never => {
    throw new ArchiveSettingsError(`${JSON.stringify(text)} names no archive: ${why}`, REMEDY);
  };
  const url = URL.parse(text) ?? refuse('it is no URL');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    refuse('it may carry neither credentials nor "?" and "#"');
  switch (url.protocol) {
    case 's3:': {
      // Not url.hostname: of an unknown scheme it keeps the case, but escapes what it does not like.
      const [bucket = '', ...path] = text.slice('s3://'.length).split('/');
      if (!text.startsWith('s3://') || !BUCKET.test(bucket)) refuse('it has no bucket');
      const parts = path.filter((part) => part !== '');
      if (parts.some((part) => part === '.' || part === '..'))
        refuse('"." and ".." mean nothing in a bucket');
      return {
        kind: 's3',
        bucket,
        prefix: parts
          .map((part) => `${decode(part) ?? refuse('it has a "%" that begins no escape')}/`)
          .join(''),
      };
    }
    case 'file:': {
      if (url.host !== '') refuse('a file URL has three slashes and no host');
      const directory = normalize(fileURLToPath(url)).replace(/(?<=.)\/+$/, '');
      if (!isAbsolute(directory) || directory === '/')
        refuse('the path is not that of a directory of its own');
      return { kind: 'file', directory };
    }
    default:
      return refuse(`the scheme ${url.protocol} is unknown`);
  }
}

/** As a person would write it. */
export function storeName(location: StoreLocation): string {
  return location.kind === 's3'
    ? `s3://${location.bucket}/${location.prefix}`.replace(/\/$/, '')
    : `file://${location.directory}`;
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
