import { randomBytes } from 'node:crypto';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { findBinaries } from '../../src/postgres/find-binaries.ts';
import { freePort } from '../s3/server.ts';

const TABLES = 8;
/** So much of a table a row takes, its headers included: seven fit into a page. */
const ROW = 8192 / 7;
const NOISE = 8 * 1024 * 1024;
const START_WITHIN = 60;

/** A cluster with page checksums that runs, to be backed up. */
export class BenchCluster implements AsyncDisposable {
  readonly data: string;
  /** The directory of its socket. */
  readonly socket: string;
  readonly port: number;
  readonly #programs: string;

  private constructor(data: string, socket: string, port: number, programs: string) {
    this.data = data;
    this.socket = socket;
    this.port = port;
    this.#programs = programs;
  }

  /** About so many GiB, half of which no compression makes smaller. */
  static async start(root: string, gib: number): Promise<BenchCluster> {
    const { directory } = await findBinaries(null);
    const data = join(root, 'cluster');
    const cluster = new BenchCluster(data, root, await freePort(), directory);
    const initdb = ['-D', data, '-U', 'postgres', '--no-sync', '-A', 'trust', '--data-checksums'];
    await execa(join(directory, 'initdb'), initdb);
    await cluster.#configure({
      port: cluster.port,
      unix_socket_directories: root,
      listen_addresses: '',
      wal_level: 'minimal',
      max_wal_senders: 0,
      fsync: 'off',
      shared_buffers: '256MB',
    });
    await cluster.#control('start');
    await writeFile(join(data, 'noise'), randomBytes(NOISE));
    const rows = Math.round((gib * 1024 ** 3) / TABLES / ROW);
    await cluster.query(
      `create table filler_1 as select i, pg_read_binary_file('noise', (i * 509::bigint) % ${NOISE - 1000}, 540) as noise, repeat(md5(i::text), 17) as text from generate_series(1, ${rows}) i`,
    );
    for (let table = 2; table <= TABLES; table++)
      await cluster.query(`create table filler_${table} as select * from filler_1`);
    await cluster.#control('stop');
    await cluster.#configure({ wal_level: 'replica', archive_mode: 'on', archive_command: 'false' });
    await cluster.#control('start');
    return cluster;
  }

  async query(sql: string): Promise<string> {
    const args = ['-h', this.socket, '-p', `${this.port}`, '-U', 'postgres', '-XAtqc', sql, 'postgres'];
    return (await execa(join(this.#programs, 'psql'), args)).stdout;
  }

  /** What its databases hold. */
  async bytes(): Promise<number> {
    return Number(await this.query('select sum(pg_database_size(oid)) from pg_database'));
  }

  /** From now on WAL is archived by this. */
  async archiveBy(command: string): Promise<void> {
    await this.#configure({ archive_command: command });
    await this.#control('reload');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#control('stop');
  }

  async #configure(settings: Readonly<Record<string, string | number>>): Promise<void> {
    const lines = Object.entries(settings).map(
      ([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`,
    );
    await appendFile(join(this.data, 'postgresql.auto.conf'), lines.join(''));
  }

  async #control(what: 'start' | 'stop' | 'reload'): Promise<void> {
    const waits = what === 'reload' ? [] : ['-w', '-t', `${START_WITHIN}`];
    const args = [what, '-D', this.data, ...waits, '-l', `${this.data}.log`];
    await execa(join(this.#programs, 'pg_ctl'), args, { stdio: 'ignore' });
  }
}
