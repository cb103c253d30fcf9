import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { DirectoryInUseError } from '../errors.ts';

/**
 * Holds a directory for this process. The lock is an abstract Unix socket named after the directory's inode: the
 * kernel drops it with the process, however that ends, so there is never a stale one, and a stopped process keeps it.
 */
export class DirectoryLock {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws DirectoryInUseError */
  static async take(directory: string): Promise<DirectoryLock> {
    const { dev, ino } = await stat(directory, { bigint: true });
    const server = createServer((socket) => socket.destroy());
    server.listen({ path: `\0pgwarden-embedded-api-${dev}-${ino}` });
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new DirectoryInUseError(directory);
      throw error;
    }
    server.unref();
    return new DirectoryLock(server);
  }

  release(): void {
    this.#server.close();
  }
}
