import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { Readable } from 'node:stream';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { StoreCredentialsError } from '../../errors.ts';
import { sha256Of } from '../../wal/sha256.ts';

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
/** From here on a body is worth a turn in the thread pool for its hash, and goes out in pieces. */
const LARGE = 256 * 1024;
const PIECE = 256 * 1024;

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
  sendInPieces(client);
  return client;
}

interface Sent {
  readonly protocol?: string;
  readonly headers: Record<string, string>;
  body?: unknown;
}

/**
 * Signing hashes the body: in the thread pool it holds up nobody. By TLS, which proves every byte itself, it need not
 * be hashed at all (S3's `UNSIGNED-PAYLOAD`).
 */
function hashAside(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args as { request?: Sent };
      if (request?.body instanceof Uint8Array && request.body.length >= LARGE)
        request.headers['x-amz-content-sha256'] =
          request.protocol === 'https:' ? 'UNSIGNED-PAYLOAD' : await sha256Of(ofItsOwn(request.body));
      return await next(args);
    },
    { step: 'build', name: 'hashAside' },
  );
}

/** Web Crypto takes no memory that threads share. */
function ofItsOwn(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

/**
 * Sends a large body piece by piece, as the connection takes it: given in one, TLS would make a second body of it at
 * once, in the agent's thread. Once for each try, behind signing and retries.
 */
function sendInPieces(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args as { request: Sent };
      if (!(request.body instanceof Uint8Array) || request.body.length < LARGE) return await next(args);
      const sent = Object.assign(Object.create(Object.getPrototypeOf(request)), request) as Sent;
      sent.body = Readable.from(pieces(request.body), { objectMode: false, highWaterMark: PIECE });
      return await next({ ...args, request: sent });
    },
    { step: 'deserialize', name: 'sendInPieces', priority: 'low' },
  );
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
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
