import { boolean, choice, duration, optionalText, whole } from '../leaves.ts';
import { absolutePath, anyText, httpUrl, storeUrl } from '../patterns.ts';
import { section } from '../setting.ts';

const effect = 'needs a restart of the agent';
const FROM_ENVIRONMENT = 'as the AWS SDK finds it: the environment, web identity, the instance';

export const archive = section('The archive: WAL and backups in an object store. The same on every member.', {
  url: optionalText(storeUrl, {
    description:
      'Where the archive is: `s3://bucket/prefix`, or `file:///path` for a directory that every member mounts. Each cluster has a prefix of its own, which must be empty or its own already.',
    derivedDefault: 'none: nothing is archived',
    effect,
  }),
  compression: choice('zstd', ['zstd', 'gzip', 'none'], {
    description: 'How new objects are compressed. What is there is read whatever it is.',
    effect,
  }),
  parallel: whole(
    3,
    { least: 1, most: 32 },
    {
      description:
        'How many segments are on their way to the archive at once. Each takes about three times its size in memory.',
      effect,
    },
  ),
  tail: boolean(true, {
    description:
      'The live tail: ships WAL that no full segment holds yet, so that the loss of every volume costs about `tailInterval`.',
    effect,
  }),
  tailInterval: duration(
    '1s',
    { least: '100ms', most: '1h' },
    { description: 'How often the live tail goes out where WAL was written. Each time is one PUT.', effect },
  ),
  encryption: section('Encryption by pgwarden, before anything leaves this machine (AES-256-GCM).', {
    keyFile: optionalText(absolutePath, {
      description:
        'A file with a key a line (32 bytes in base64 or hex): the first encrypts, each may decrypt. Without the key the archive is worth nothing: keep it elsewhere, too.',
      derivedDefault: 'none: objects are not encrypted by pgwarden',
      effect,
    }),
  }),
  s3: section('How to reach an S3 bucket.', {
    endpoint: optionalText(httpUrl, {
      description: 'The URL of the service.',
      derivedDefault: "Amazon's own",
      effect,
    }),
    region: optionalText(anyText, {
      description: 'The region of the bucket.',
      derivedDefault: '`AWS_REGION`; with an endpoint of your own, `us-east-1`',
      effect,
    }),
    pathStyle: boolean(false, {
      description:
        '`endpoint/bucket/key` instead of `bucket.endpoint/key`: what most servers of your own want.',
      effect,
    }),
    caFile: optionalText(absolutePath, {
      description: 'The certificates (PEM) that sign that of the endpoint.',
      derivedDefault: 'those that Node.js trusts',
      effect,
    }),
    accessKeyIdFile: optionalText(absolutePath, {
      description: 'A file with the access key id. It is read again within minutes.',
      derivedDefault: FROM_ENVIRONMENT,
      effect,
    }),
    secretAccessKeyFile: optionalText(absolutePath, {
      description: 'A file with the secret access key. It is read again within minutes.',
      derivedDefault: FROM_ENVIRONMENT,
      effect,
    }),
    sessionTokenFile: optionalText(absolutePath, {
      description: 'A file with the session token of temporary credentials.',
      derivedDefault: 'none',
      effect,
    }),
    storageClass: optionalText(anyText, {
      description: 'The storage class of new objects, e.g. `STANDARD_IA`.',
      derivedDefault: "the bucket's",
      effect,
    }),
    serverSideEncryption: choice('none', ['none', 'AES256', 'aws:kms'], {
      description:
        'What the server is asked to encrypt with. `none`: it is not asked; the bucket may do so by itself.',
      effect,
    }),
    kmsKeyId: optionalText(anyText, {
      description: 'The key for `aws:kms`.',
      derivedDefault: "the account's own",
      effect,
    }),
  }),
});
