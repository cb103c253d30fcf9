import type { Configuration } from './configuration.ts';
import type { Problem } from './errors.ts';

/** What is wrong between the settings of the archive. */
export function archiveFindings({ archive }: Configuration): Omit<Problem, 'source'>[] {
  const found: Omit<Problem, 'source'>[] = [];
  const { accessKeyIdFile, secretAccessKeyFile, sessionTokenFile, serverSideEncryption, kmsKeyId } =
    archive.s3;
  if ((accessKeyIdFile === null) !== (secretAccessKeyFile === null)) {
    const missing = accessKeyIdFile === null ? 'accessKeyIdFile' : 'secretAccessKeyFile';
    found.push({
      path: `archive.s3.${missing}`,
      message: 'given nothing; archive.s3.accessKeyIdFile and archive.s3.secretAccessKeyFile go together',
    });
  } else if (accessKeyIdFile === null && sessionTokenFile !== null) {
    found.push({
      path: 'archive.s3.sessionTokenFile',
      message: 'needs archive.s3.accessKeyIdFile and archive.s3.secretAccessKeyFile too',
    });
  }
  if (kmsKeyId !== null && serverSideEncryption !== 'aws:kms')
    found.push({ path: 'archive.s3.kmsKeyId', message: 'needs archive.s3.serverSideEncryption: aws:kms' });
  return found;
}
