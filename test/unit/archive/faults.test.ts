import { expect, test } from 'vitest';
import { fileFault } from '../../../src/archive/store/file/faults.ts';
import { s3Fault } from '../../../src/archive/store/s3/faults.ts';

const s3 = (name: string, status?: number) =>
  s3Fault('s3://b', Object.assign(new Error('why'), { name, $metadata: { httpStatusCode: status } })).code;
const system = (code: string) => Object.assign(new Error(`${code}: why`), { code });

test.each([
  ['InvalidAccessKeyId', 403, 'ARCHIVE_CREDENTIALS'],
  ['SignatureDoesNotMatch', 403, 'ARCHIVE_CREDENTIALS'],
  ['UnknownError', 403, 'ARCHIVE_CREDENTIALS'],
  ['CredentialsProviderError', undefined, 'ARCHIVE_CREDENTIALS'],
  ['XAdminUserNotFound', 404, 'ARCHIVE_CREDENTIALS'],
  ['NoSuchBucket', 404, 'ARCHIVE_MISSING'],
  ['RequestTimeTooSkewed', 403, 'ARCHIVE_CLOCK_SKEW'],
  ['QuotaExceeded', 403, 'ARCHIVE_FULL'],
  ['XMinioStorageFull', 507, 'ARCHIVE_FULL'],
  ['InternalError', 500, 'ARCHIVE_UNREACHABLE'],
  ['SlowDown', 503, 'ARCHIVE_UNREACHABLE'],
  ['UnknownError', 502, 'ARCHIVE_UNREACHABLE'],
  ['PermanentRedirect', 301, 'ARCHIVE_SETTINGS'],
  ['InvalidArgument', 400, 'ARCHIVE_FAULT'],
])('an S3 server that says %s (%s) is %s', (name, status, code) => expect(s3(name, status)).toBe(code));

test.each([
  ['ECONNREFUSED', 'ARCHIVE_UNREACHABLE'],
  ['ENOTFOUND', 'ARCHIVE_UNREACHABLE'],
  ['ECONNRESET', 'ARCHIVE_UNREACHABLE'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'ARCHIVE_SETTINGS'],
])('a network that says %s is %s', (code, expected) =>
  expect(s3Fault('s3://b', system(code)).code).toBe(expected),
);

test.each([
  ['ENOSPC', 'ARCHIVE_FULL'],
  ['EDQUOT', 'ARCHIVE_FULL'],
  ['EACCES', 'ARCHIVE_CREDENTIALS'],
  ['EROFS', 'ARCHIVE_CREDENTIALS'],
  ['EIO', 'ARCHIVE_UNREACHABLE'],
  ['ESTALE', 'ARCHIVE_UNREACHABLE'],
  ['EINVAL', 'ARCHIVE_FAULT'],
])('a directory that says %s is %s', (code, expected) =>
  expect(fileFault('file:///x', system(code)).code).toBe(expected),
);

test('a deadline that passed is a store out of reach, a caller that left is not', () => {
  const timeout = new DOMException('late', 'TimeoutError');
  const abort = new DOMException('left', 'AbortError');
  for (const fault of [s3Fault, fileFault]) {
    expect(fault('s', timeout).code).toBe('ARCHIVE_UNREACHABLE');
    expect(fault('s', abort).code).toBe('ARCHIVE_CANCELLED');
  }
});
