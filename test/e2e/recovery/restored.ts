import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import { type Answer, MAIN } from '../cluster.ts';
import { waitFor } from '../wait-for.ts';
import { askBySocket, ownerOf } from './superuser.ts';

const PORT = 5432;

/** A directory that `pgwarden restore` is to make, and a look at what came of it. */
export class RestoredDirectory implements AsyncDisposable {
  readonly #root: string;
  readonly #owner: { readonly uid: number; readonly gid: number };
  readonly data: string;

  private constructor(root: string, owner: { readonly uid: number; readonly gid: number }) {
    this.#root = root;
    this.#owner = owner;
    this.data = join(root, 'data');
  }

  /** `like`: a directory of the user that Postgres runs as. */
  static async make(like: string): Promise<RestoredDirectory> {
    const root = await mkdtemp(join(tmpdir(), 'pgwarden-pitr-'));
    const owner = await ownerOf(like);
    if (process.getuid?.() === 0) await chown(root, owner.uid, owner.gid);
    return new RestoredDirectory(root, owner);
  }

  /** `pgwarden restore … -D data -o json`. */
  async restore(...args: readonly string[]): Promise<Answer> {
    const argv = [MAIN, 'restore', ...args, '-D', this.data, '-o', 'json'];
    const { exitCode, stdout, stderr } = await execa(process.execPath, argv, { reject: false });
    return { exitCode: exitCode ?? -1, stdout, stderr };
  }

  /** Starts a plain Postgres in it, asks one of its databases, and stops it. */
  async ask(database: string, ...queries: readonly string[]): Promise<string[][]> {
    const { directory } = await findBinaries(null);
    const settings = [`unix_socket_directories=${this.#root}`, 'listen_addresses=', `port=${PORT}`];
    const child = spawn(
      join(directory, 'postgres'),
      ['-D', this.data, ...settings.flatMap((setting) => ['-c', setting])],
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: this.#root, ...this.#owner },
    );
    const ended = once(child, 'exit');
    let log = '';
    child.stderr.on('data', (text) => {
      log += text;
    });
    try {
      await waitFor('Postgres to start', () => {
        if (child.exitCode !== null) throw new Error(log);
        return log.includes('ready to accept connections');
      });
      const answers: string[][] = [];
      const place = { directory: this.#root, port: PORT, database };
      for (const sql of queries) answers.push(await askBySocket(place, sql));
      return answers;
    } finally {
      child.kill('SIGINT');
      await ended;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}
