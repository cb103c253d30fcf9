import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { PortBusyError, PortRangeError } from './errors.ts';

/** The ports of one demo: Postgres's, then the agents' HTTP, then the API's. */
export interface Ports {
  readonly api: number;
  readonly members: readonly { readonly port: number; readonly httpPort: number }[];
}

const HOST = '127.0.0.1';
const LOWEST = 20_000;

/** Whether nobody listens on the port of the loopback address. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The ports of `base`: given out in one row, so that a person finds them. Pure; throws PortRangeError. */
export function portsFrom(base: number, members: number): Ports {
  const count = 2 * members + 1;
  if (base < 1 || base + count > 65536) throw new PortRangeError(base, count);
  return {
    api: base + 2 * members,
    members: Array.from({ length: members }, (_, index) => ({
      port: base + index,
      httpPort: base + members + index,
    })),
  };
}

/** Throws PortBusyError for the first port that is taken. */
export async function requireFree(ports: Ports, names: readonly string[], remedy: string): Promise<void> {
  for (const [index, { port, httpPort }] of ports.members.entries()) {
    const name = names[index] ?? `member ${index}`;
    if (!(await isFree(port))) throw new PortBusyError(port, `Postgres of ${name}`, remedy);
    if (!(await isFree(httpPort))) throw new PortBusyError(httpPort, `the agent of ${name}`, remedy);
  }
  if (!(await isFree(ports.api))) throw new PortBusyError(ports.api, 'the embedded API', remedy);
}

/**
 * A row of free ports, below those that the kernel gives to outgoing connections: one of those could take a
 * port while the demo is stopped.
 */
export async function chooseFreePorts(members: number, random: () => number): Promise<Ports> {
  const highest = (await firstEphemeralPort()) - (2 * members + 1);
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const base = LOWEST + Math.floor(random() * Math.max(1, highest - LOWEST));
    const ports = portsFrom(base, members);
    const all = [ports.api, ...ports.members.flatMap(({ port, httpPort }) => [port, httpPort])];
    if ((await Promise.all(all.map(isFree))).every(Boolean)) return ports;
  }
  throw new PortBusyError(
    LOWEST,
    'the demo (and 200 other rows of ports)',
    'name a free row with --port-base',
  );
}

async function firstEphemeralPort(): Promise<number> {
  try {
    const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
    const first = Number(range.trim().split(/\s+/)[0]);
    return first > LOWEST + 1000 ? first : 32_768;
  } catch {
    return 32_768;
  }
}
