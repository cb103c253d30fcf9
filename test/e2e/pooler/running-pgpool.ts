import { execFileSync } from 'node:child_process';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentUser } from '../../../src/demo/agent-user.ts';
import type { DemoCluster } from '../cluster.ts';
import type { MultiHostUrl } from '../connect.ts';
import type { RunningHaproxy } from './running-haproxy.ts';
import { freePort, RunningProgram } from './running-program.ts';
import { targetOf, untilOpen } from './target.ts';

const PROGRAM = '/usr/sbin/pgpool';
const COMPONENT = join(import.meta.dirname, '..', '..', '..', 'manifests', 'components', 'pgpool');

/** Pgpool-II with the files of its component. HAProxy is what the Services pg-rw and pg-ro are on Kubernetes. */
export class RunningPgpool implements AsyncDisposable {
  readonly #directory: string;
  readonly #program: RunningProgram;
  readonly #target: MultiHostUrl;

  private constructor(directory: string, program: RunningProgram, target: MultiHostUrl) {
    this.#directory = directory;
    this.#program = program;
    this.#target = target;
  }

  static async start(cluster: DemoCluster, services: RunningHaproxy): Promise<RunningPgpool> {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-pgpool-'));
    const target = targetOf((await cluster.describe()).url, await freePort());
    const [place = { host: '', port: 0 }] = target.hosts;
    const hba = join(directory, 'pool_hba.conf');
    const file = join(directory, 'pgpool.conf');
    const passwords = join(directory, 'pool_passwd');
    const text = (await readFile(join(COMPONENT, 'pgpool.conf'), 'utf8'))
      .replace("listen_addresses = '*'", "listen_addresses = '127.0.0.1'")
      .replace('port = 9999', `port = ${place.port}`)
      .replace("'pg-rw'\nbackend_port0 = 5432", `'127.0.0.1'\nbackend_port0 = ${services.writePort}`)
      .replace("'pg-ro'\nbackend_port1 = 5432", `'127.0.0.1'\nbackend_port1 = ${services.readPort}`)
      .replaceAll('/run/pgpool', directory);
    const places = `pcp_port = ${await freePort()}\npcp_socket_dir = '${directory}'\n${socketDirectory(directory)}\n`;
    await writeFile(file, text + places);
    await writeFile(hba, await readFile(join(COMPONENT, 'pool_hba.conf')));
    await writeFile(passwords, `${target.user}:TEXT${target.password}\n`, { mode: 0o600 });
    const user = await agentUser();
    if (user !== null)
      for (const path of [directory, file, hba, passwords]) await chown(path, user.uid, user.gid);
    const program = new RunningProgram(PROGRAM, ['-n', '-D', '-f', file, '-a', hba], {
      endBy: 'SIGINT',
      cwd: directory,
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    });
    const pgpool = new RunningPgpool(directory, program, target);
    await untilOpen(pgpool);
    return pgpool;
  }

  get output(): string {
    return this.#program.output;
  }

  get isRunning(): boolean {
    return this.#program.isRunning;
  }

  target(): MultiHostUrl {
    return this.#target;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** The setting was renamed in 4.4. */
function socketDirectory(directory: string): string {
  // It prints its version to the standard error.
  const text = execFileSync('/bin/sh', ['-c', `${PROGRAM} --version 2>&1`], { encoding: 'utf8' });
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(text) ?? [];
  const isOld = Number(major) < 4 || (Number(major) === 4 && Number(minor) < 4);
  return `${isOld ? 'socket_dir' : 'unix_socket_directories'} = '${directory}'`;
}
