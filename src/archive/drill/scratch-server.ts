import { join } from 'node:path';
import pg from 'pg';
import { PostgresError } from '../../postgres/errors.ts';
import type { Binaries } from '../../postgres/find-binaries.ts';
import { ControlFileReader } from '../../postgres/volume/control-file.ts';
import { RecoveringServer } from '../../postgres/work/recover.ts';
import { ScratchServerError } from './errors.ts';
import type { Scratch } from './scratch.ts';

/** Of a socket in a directory that nobody else may enter. */
const PORT = 5432;

/**
 * Postgres on what was restored: on a socket of its own and no port, archiving nothing, following nobody.
 */
export class ScratchServer implements AsyncDisposable {
  readonly #server: RecoveringServer;
  readonly #directory: string;
  readonly #user: string;

  private constructor(server: RecoveringServer, directory: string, user: string) {
    this.#server = server;
    this.#directory = directory;
    this.#user = user;
  }

  /** @throws ScratchServerError */
  static async start(
    scratch: Scratch,
    binaries: Binaries,
    user: string,
    signal: AbortSignal,
  ): Promise<ScratchServer> {
    const control = await new ControlFileReader(binaries.directory, scratch.data).read(signal);
    if (control === null) throw new ScratchServerError('what was restored has no control file');
    const server = await RecoveringServer.start({
      binaries,
      data: scratch.data,
      lock: join(scratch.root, 'lock'),
      settings: {
        // It has recovered: without recovery.signal none of this is read.
        restoreCommand: '',
        target: {},
        timeline: 'current',
        action: 'promote',
        required: control.required,
        runDirectory: scratch.run,
        port: PORT,
      },
      onMessage: () => undefined,
      onStory: () => undefined,
    });
    try {
      await server.until(({ promoted }) => promoted, signal);
    } catch (error) {
      await server.stop('immediate');
      if (error instanceof PostgresError && error.code === 'SERVER_EXITED')
        throw new ScratchServerError(`${error.message}. ${error.remedy}`, error);
      throw error;
    }
    return new ScratchServer(server, scratch.run, user);
  }

  /** How libpq's programs get there. */
  get connection(): readonly string[] {
    return ['--host', this.#directory, '--port', String(PORT), '--username', this.#user];
  }

  /** A session in a database, ended with the work, and early with the signal. */
  async session<Result>(
    database: string,
    work: (client: pg.Client) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    signal.throwIfAborted();
    const client = new pg.Client({ host: this.#directory, port: PORT, user: this.#user, database });
    client.on('error', () => undefined);
    // There is nothing to wait for politely: the whole server is about to go.
    const end = (): void => void client.end().catch(() => undefined);
    signal.addEventListener('abort', end, { once: true });
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop('immediate');
  }
}
