import pg from 'pg';

/** The parts of a libpq URL with several hosts, which node-postgres does not know. */
export interface MultiHostUrl {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly targetSessionAttrs: string;
  readonly connectTimeoutMillis: number;
}

/** Takes apart a URL such as the demo prints. */
export function parseMultiHostUrl(url: string): MultiHostUrl {
  const match = /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(
    url,
  );
  if (match === null) throw new TypeError(`not a libpq URL: ${url}`);
  const [, user = '', password = '', places = '', database = '', query = ''] = match;
  const parameters = new URLSearchParams(query);
  return {
    user: decodeURIComponent(user),
    password: decodeURIComponent(password),
    database: decodeURIComponent(database),
    hosts: places.split(',').map((place) => {
      const colon = place.lastIndexOf(':');
      return { host: place.slice(0, colon), port: Number(place.slice(colon + 1)) };
    }),
    targetSessionAttrs: parameters.get('target_session_attrs') ?? 'any',
    connectTimeoutMillis: Number(parameters.get('connect_timeout') ?? '10') * 1000,
  };
}

/** A session with the member that takes writes. */
export interface ReadWriteSession {
  readonly client: pg.Client;
  /** `host:port` of the member. */
  readonly address: string;
}

/** A client of one host; an error between queries (a reset) is left to the next query. */
export async function connectTo(
  url: MultiHostUrl,
  place: { host: string; port: number },
  extra: pg.ClientConfig = {},
): Promise<pg.Client> {
  const client = new pg.Client({
    host: place.host,
    port: place.port,
    user: url.user,
    password: url.password,
    database: url.database,
    connectionTimeoutMillis: url.connectTimeoutMillis,
    ...extra,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    abandon(client);
    throw error;
  }
}

/** Drops a connection without waiting for the other end to agree. */
export function abandon(client: pg.Client): void {
  void client.end().catch(() => {});
  (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection?.stream?.destroy();
}

/**
 * One attempt as libpq makes it (documentation, section "Specifying Multiple Hosts"): the hosts in order, the next
 * one where connecting fails or the session is read-only; a refused authentication ends the attempt. Rejects when
 * no host takes writes: retrying is the caller's part, as it is an application's.
 */
export async function connectReadWrite(url: string, extra: pg.ClientConfig = {}): Promise<ReadWriteSession> {
  const parsed = parseMultiHostUrl(url);
  let last: unknown = new Error('no hosts');
  for (const place of parsed.hosts) {
    try {
      const client = await connectTo(parsed, place, extra);
      if (parsed.targetSessionAttrs !== 'read-write' || (await takesWrites(client))) {
        return { client, address: `${place.host}:${place.port}` };
      }
      abandon(client);
      last = new Error(`${place.host}:${place.port} is read-only`);
    } catch (error) {
      // Class 28: invalid authorization. libpq tries no further host then.
      if (((error as { code?: string }).code ?? '').startsWith('28')) throw error;
      last = error;
    }
  }
  throw last;
}

async function takesWrites(client: pg.Client): Promise<boolean> {
  try {
    const { rows } = await client.query<{ transaction_read_only: string }>('SHOW transaction_read_only');
    return rows[0]?.transaction_read_only === 'off';
  } catch (error) {
    abandon(client);
    throw error;
  }
}
