import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PRIMARY, STANDBY } from '../../unit/http/scripted-agent.ts';
import { type RunningServer, runServer } from './running-server.ts';

const HAPROXY = ['haproxy', '/usr/sbin/haproxy'].find((path) => spawnSync(path, ['-v']).status === 0);
const SOON = { timeout: 10_000, interval: 50 };

/** Checks and options as in Patroni's haproxy.cfg and its documentation; only the intervals are shorter. */
const configuration = (
  directory: string,
  members: readonly { name: string; port: number; http: number }[],
): string => {
  const servers = members
    .map(({ name, port, http }) => `    server ${name} 127.0.0.1:${port} maxconn 100 check port ${http}`)
    .join('\n');
  const listener = (name: string, check: string): string => `
listen ${name}
    bind unix@${join(directory, name)} mode 600
    option httpchk ${check}
    http-check expect status 200
    default-server inter 100ms fall 1 rise 1 on-marked-down shutdown-sessions
${servers}
`;
  return `
global
    maxconn 100

defaults
    log global
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s
${listener('primary', 'OPTIONS /primary')}
${listener('old', 'OPTIONS /master')}
${listener('root', 'GET /')}
${listener('replicas', 'OPTIONS /replica?lag=10MB')}
${listener('heads', 'HEAD /read-only-quorum')}
`;
};

describe.skipIf(HAPROXY === undefined)(
  'HAProxy with a configuration made for Patroni (needs Debian package haproxy)',
  () => {
    const servers: RunningServer[] = [];
    const databases: Server[] = [];
    let haproxy: ChildProcess;
    let output = '';

    beforeAll(async () => {
      const members = [];
      for (const name of ['pg-0', 'pg-1']) {
        const server = await runServer();
        const database = createServer((socket) => socket.end(name));
        await new Promise<void>((resolve) => database.listen(0, '127.0.0.1', resolve));
        servers.push(server);
        databases.push(database);
        members.push({ name, port: (database.address() as AddressInfo).port, http: server.address.port });
      }
      servers[1]!.agent.current = STANDBY;
      const file = join(servers[0]!.directory, 'haproxy.cfg');
      await writeFile(file, configuration(servers[0]!.directory, members));
      haproxy = spawn(HAPROXY!, ['-f', file, '-db'], { stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [haproxy.stdout, haproxy.stderr]) {
        stream?.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
    });

    afterAll(async () => {
      if (haproxy?.exitCode === null) {
        const exited = new Promise((resolve) => haproxy.once('exit', resolve));
        haproxy.kill();
        await exited;
      }
      for (const database of databases) database.close();
      for (const server of servers) await server[Symbol.asyncDispose]();
    });

    /** Which member a connection through the listener reaches. Empty: none. */
    function reached(listener: string): Promise<string> {
      const { promise, resolve } = Promise.withResolvers<string>();
      const socket = connect({ path: join(servers[0]!.directory, listener) });
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      socket.on('error', () => resolve(''));
      socket.on('close', () => resolve(text));
      return promise;
    }

    it('sends writers to the primary and readers to the standby, and follows a change of role', async () => {
      const [first, second] = [servers[0]!.agent, servers[1]!.agent];
      for (const listener of ['primary', 'old', 'root']) {
        await vi.waitFor(async () => expect(await reached(listener), output).toBe('pg-0'), SOON);
      }
      await vi.waitFor(async () => expect(await reached('replicas')).toBe('pg-1'), SOON);

      first.current = { ...PRIMARY, open: false };
      await vi.waitFor(async () => expect(await reached('primary')).toBe(''), SOON);
      first.current = { ...STANDBY, member: PRIMARY.member };
      second.current = { ...PRIMARY, member: STANDBY.member };
      await vi.waitFor(async () => expect(await reached('primary')).toBe('pg-1'), SOON);
      await vi.waitFor(async () => expect(await reached('replicas')).toBe('pg-0'), SOON);
    });

    it('takes a standby that lags too far out of the pool, and lets it in again', async () => {
      const [agent] = [servers[0]!.agent];
      agent.current = { ...STANDBY, lagBytes: 11 * 1024 ** 2 };
      await vi.waitFor(async () => expect(await reached('replicas')).toBe(''), SOON);
      agent.current = { ...STANDBY, lagBytes: 10 * 1024 ** 2 };
      await vi.waitFor(async () => expect(await reached('replicas')).toBe('pg-0'), SOON);
    });

    it('sends readers to any member where the primary is welcome, too', async () => {
      servers[0]!.agent.current = PRIMARY;
      servers[1]!.agent.current = STANDBY;
      const seen = new Set<string>();
      await vi.waitFor(async () => {
        seen.add(await reached('heads'));
        expect(seen).toContain('pg-0');
        expect(seen).toContain('pg-1');
      }, SOON);
    });
  },
);
