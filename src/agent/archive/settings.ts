import type { ArchiveSettings } from '../../archive/opened-archive.ts';
import type { Configuration } from '../../config/configuration.ts';
import { AgentStateError } from '../errors.ts';

/** Store and codec of a configuration that has an archive. */
export function archiveSettings({
  url,
  s3,
  compression,
  encryption,
}: Configuration['archive']): ArchiveSettings {
  if (url === null) throw new AgentStateError('asked for the settings of an archive that is not configured');
  const { accessKeyIdFile, secretAccessKeyFile, sessionTokenFile } = s3;
  return {
    url,
    compression,
    keyFile: encryption.keyFile,
    s3: {
      endpoint: s3.endpoint,
      region: s3.region,
      pathStyle: s3.pathStyle,
      caFile: s3.caFile,
      credentials:
        accessKeyIdFile === null || secretAccessKeyFile === null
          ? null
          : { accessKeyIdFile, secretAccessKeyFile, sessionTokenFile },
      storageClass: s3.storageClass,
      serverSideEncryption: s3.serverSideEncryption === 'none' ? null : s3.serverSideEncryption,
      kmsKeyId: s3.kmsKeyId,
    },
  };
}
