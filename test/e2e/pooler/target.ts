import { connectTo, type MultiHostUrl, parseMultiHostUrl } from '../connect.ts';
import { waitFor } from '../wait-for.ts';

/** The application's user and database of a demo's URL, at one port of this machine. */
export function targetOf(url: string, port: number): MultiHostUrl {
  return {
    ...parseMultiHostUrl(url),
    hosts: [{ host: '127.0.0.1', port }],
    targetSessionAttrs: 'any',
    connectTimeoutMillis: 10_000,
  };
}

/** One query on a connection of its own. */
export async function queryAt<Row extends Record<string, unknown>>(
  target: MultiHostUrl,
  sql: string,
): Promise<Row[]> {
  const [place = { host: '', port: 0 }] = target.hosts;
  const client = await connectTo(target, place);
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The port of the Postgres that answers a reader there. current_setting is stable: poolers that parse take it for reading. */
export async function answeringPort(target: MultiHostUrl): Promise<number> {
  const [row] = await queryAt<{ port: string }>(target, "select current_setting('port') as port");
  return Number(row?.port);
}

export interface Proxy extends AsyncDisposable {
  readonly output: string;
  readonly isRunning: boolean;
  target(): MultiHostUrl;
}

/** Waits until clients get through; ends the proxy where they do not. */
export async function untilOpen(proxy: Proxy): Promise<void> {
  try {
    await waitFor(
      'a client to get through',
      async () => {
        if (!proxy.isRunning) return true;
        return (await answeringPort(proxy.target())) > 0;
      },
      { timeoutMillis: 30_000 },
    );
    if (!proxy.isRunning) throw new Error('the program ended');
  } catch (error) {
    await proxy[Symbol.asyncDispose]();
    throw new Error(`${(error as Error).message}\n${proxy.output}`, { cause: error });
  }
}
