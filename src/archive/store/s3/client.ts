import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { StoreCredentialsError } from '../../errors.ts';

/** How to reach an S3 bucket. Null: as the SDK finds it (environment, web identity, instance). */
export interface S3Settings {
  /** Null: Amazon's own. */
  readonly endpoint: string | null;
  readonly region: string | null;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`: what most servers of one's own want. */
  readonly pathStyle: boolean;
  /** Certificates (PEM) that sign the endpoint's; null: those that Node.js trusts. */
  readonly caFile: string | null;
  readonly credentials: {
    readonly accessKeyIdFile: string;
    readonly secretAccessKeyFile: string;
    readonly sessionTokenFile: string | null;
  } | null;
  readonly storageClass: string | null;
  /** What the server encrypts with; not to be mistaken for encryption by pgwarden. */
  readonly serverSideEncryption: 'AES256' | 'aws:kms' | null;
  readonly kmsKeyId: string | null;
}

/** Milliseconds. */
const CONNECT_WITHIN = 5_000;
const SILENT_FOR = 20_000;
/** Files are read again a minute after: the SDK asks anew five minutes before what it has expires. */
const CREDENTIALS_FOR = 6 * 60_000;
/** More than `archive.parallel` can take: the tail must find one too. */
const MOST_SOCKETS = 64;
/** With an endpoint of one's own the region is a name that the server seldom looks at. */
const ANY_REGION = 'us-east-1';
/** From here on a hash is worth a turn in the thread pool: computed in place it would hold up the agent's loop. */
const HASH_ASIDE = 256 * 1024;

/**
 * A client that sends checksums only where the protocol wants them: R2, Google, Ceph and older MinIO refuse the ones
 * that the SDK adds on its own since 2025. Its connections stay open between calls; `destroy` closes them.
 */
export async function makeClient(store: string, settings: S3Settings): Promise<S3Client> {
  const { endpoint, caFile } = settings;
  const tls = caFile === null ? {} : { ca: await readCertificates(store, caFile) };
  const region = settings.region ?? (endpoint === null ? null : (process.env.AWS_REGION ?? ANY_REGION));
  const options: S3ClientConfig = {
    ...(endpoint === null ? { followRegionRedirects: true } : { endpoint }),
    ...(region === null ? {} : { region }),
    forcePathStyle: settings.pathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: CONNECT_WITHIN,
      socketTimeout: SILENT_FOR,
      httpsAgent: new Agent({ keepAlive: true, maxSockets: MOST_SOCKETS, ...tls }),
      httpAgent: { keepAlive: true, maxSockets: MOST_SOCKETS },
    },
    ...(settings.credentials === null ? {} : { credentials: fromFiles(store, settings.credentials) }),
  };
  const client = new S3Client(options);
  hashAside(client);
  return client;
}

/** Signing hashes the body; in the thread pool it holds up nobody. */
function hashAside(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args as { request?: { body?: unknown; headers: Record<string, string> } };
      if (request?.body instanceof Uint8Array && request.body.length >= HASH_ASIDE) {
        const bytes = request.body as Uint8Array<ArrayBuffer>;
        const hash = await crypto.subtle.digest('SHA-256', bytes);
        request.headers['x-amz-content-sha256'] = Buffer.from(hash).toString('hex');
      }
      return await next(args);
    },
    { step: 'build', name: 'hashAside' },
  );
}

function fromFiles(store: string, files: NonNullable<S3Settings['credentials']>) {
  return async () => {
    const read = async (path: string): Promise<string> => {
      try {
        return (await readFile(path, 'utf8')).trim();
      } catch (error) {
        throw new StoreCredentialsError(store, `${path} cannot be read`, error);
      }
    };
    const [accessKeyId, secretAccessKey] = await Promise.all([
      read(files.accessKeyIdFile),
      read(files.secretAccessKeyFile),
    ]);
    const expiration = new Date(Date.now() + CREDENTIALS_FOR);
    if (files.sessionTokenFile === null) return { accessKeyId, secretAccessKey, expiration };
    return { accessKeyId, secretAccessKey, sessionToken: await read(files.sessionTokenFile), expiration };
  };
}

async function readCertificates(store: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new StoreCredentialsError(store, `the certificates in ${path} cannot be read`, error);
  }
}
