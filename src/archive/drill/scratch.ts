import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../postgres/errors.ts';
import { ScratchError } from './errors.ts';

/** Says that everything in the directory is a drill's, and may go. */
const MARK = 'A drill of pgwarden works here. Nothing in this directory is needed by anybody.\n';
const MARK_FILE = 'PGWARDEN-DRILL';
/** Bounds in milliseconds. */
const QUIT = 5_000;
const LOOK = 50;

/** The directory of a drill: `data`, `tablespaces/<oid>`, `run`. */
export class Scratch implements AsyncDisposable {
  readonly root: string;
  readonly data: string;
  readonly run: string;

  private constructor(root: string) {
    this.root = root;
    this.data = join(root, 'data');
    this.run = join(root, 'run');
  }

  /**
   * Makes it anew. What an earlier drill left there that was killed goes first, its Postgres too.
   *
   * @throws ScratchError where there is anything that no drill put there
   */
  static async make(root: string): Promise<Scratch> {
    const scratch = new Scratch(root);
    const names = await namesIn(root);
    if (names !== null && names.length > 0 && !names.includes(MARK_FILE))
      throw new ScratchError(
        `${root} holds something that no drill left there (${names[0]})`,
        'Name another directory for drills (drill.directory): this one is left as it is.',
      );
    await scratch.#clear();
    await mkdir(root, { recursive: true, mode: 0o700 });
    await writeFile(join(root, MARK_FILE), MARK);
    await mkdir(scratch.run, { mode: 0o700 });
    return scratch;
  }

  tablespace(oid: string): string {
    return join(this.root, 'tablespaces', oid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clear();
  }

  /** The mark goes last: what is cut off here is known for what it is. */
  async #clear(): Promise<void> {
    await endServer(this.data);
    for (const name of (await namesIn(this.root)) ?? [])
      if (name !== MARK_FILE) await rm(join(this.root, name), { recursive: true, force: true });
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Ends a Postgres that a drill which was killed left running in this directory. */
async function endServer(data: string): Promise<void> {
  const pid = await postmasterOf(data);
  if (pid === null) return;
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    const until = performance.now() + QUIT;
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    while (performance.now() < until) {
      if ((await postmasterOf(data)) !== pid) return;
      await sleep(LOOK);
    }
  }
}

/** The process that runs in this directory; null: none. A number alone proves nothing: it may be another's by now. */
async function postmasterOf(data: string): Promise<number | null> {
  try {
    const pid = Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n', 1)[0]);
    if (!Number.isInteger(pid) || pid <= 1) return null;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return command.split('\0').includes(data) ? pid : null;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return null;
    throw error;
  }
}

async function namesIn(path: string): Promise<string[] | null> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw new ScratchError(
      `${path} is no directory to work in`,
      'Name another one (drill.directory).',
      error,
    );
  }
}
