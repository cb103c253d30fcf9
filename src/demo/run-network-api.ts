import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { serve } from './api/serve.ts';
import { TokenUnreadableError } from './errors.ts';

export interface NetworkApiOptions {
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  readonly tokenFile: string;
  readonly namespace: string;
  /** Pods that are made where they are missing, as a StatefulSet would: role labels and Events refer to them. */
  readonly pods: readonly string[];
}

const CALL_MILLIS = 5_000;

/**
 * The embedded API for members on other hosts of a network (Docker Compose), behind a bearer token, until SIGTERM.
 * One process without a peer: what depends on it survives its absence, but no takeover happens meanwhile.
 *
 * @throws EmbeddedApiError, TokenUnreadableError
 */
export async function runNetworkApi(options: NetworkApiOptions): Promise<void> {
  const token = await readToken(options.tokenFile);
  const logger = pino({ base: { name: 'api' } });
  const { directory, host, port } = options;
  await serve({ directory, host, port, token, logger }, (address) => {
    void ensurePods(options, address.port, token).catch((error: unknown) => {
      logger.error({ event: 'api-pods-failed', err: error }, 'The pods could not be made');
    });
  });
}

async function readToken(file: string): Promise<string> {
  try {
    const token = (await readFile(file, 'utf8')).trim();
    if (token !== '') return token;
  } catch (cause) {
    throw new TokenUnreadableError(file, (cause as Error).message, { cause });
  }
  throw new TokenUnreadableError(file, 'it is empty');
}

async function ensurePods(options: NetworkApiOptions, port: number, token: string): Promise<void> {
  for (const name of options.pods) {
    const made = await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/${options.namespace}/pods`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels: { 'app.kubernetes.io/name': 'pgwarden' } },
        spec: { containers: [{ name: 'postgres', image: 'pgwarden' }] },
      }),
      signal: AbortSignal.timeout(CALL_MILLIS),
    });
    await made.body?.cancel();
    // 409: it is there already.
    if (!made.ok && made.status !== 409) throw new TypeError(`status ${made.status} for the pod ${name}`);
  }
}
