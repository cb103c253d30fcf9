import { chmod, lstat, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { SocketInUseError, SocketPathError } from './errors.ts';

/** sun_path of unix(7), without the final zero byte. */
const PATH_MAX = 107;

/** What the private directory and the name in it add to the directory: `/.XXXXXX/s`. */
const NEST_LENGTH = 10;

/**
 * Makes the server listen on a Unix socket that only its owner can open (mode 0600). The directory is made (0700)
 * where it is missing; the socket file of an agent that died is replaced. The socket is made in a private directory
 * and moved to its place, so that it is never there with another mode.
 *
 * @returns a function that removes the socket file, unless another agent has put its own there since
 * @throws SocketInUseError when another agent answers there; SocketPathError when it cannot be made
 */
export async function listenOnSocket(server: Server, path: string): Promise<() => Promise<void>> {
  const directory = dirname(path);
  const longest = Math.max(Buffer.byteLength(path), Buffer.byteLength(directory) + NEST_LENGTH);
  if (longest > PATH_MAX) throw new SocketPathError(path, `it is longer than ${PATH_MAX} bytes`);
  await checkFree(path);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // Not join(): it would take the dot for the directory itself.
    const nest = await mkdtemp(`${directory}/.`);
    try {
      const made = join(nest, 's');
      await listen(server, made);
      await chmod(made, 0o600);
      const { ino } = await lstat(made);
      await rename(made, path);
      return async () => {
        if ((await inode(path)) === ino) await rm(path, { force: true });
      };
    } finally {
      await rm(nest, { recursive: true, force: true });
    }
  } catch (error) {
    throw new SocketPathError(path, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function checkFree(path: string): Promise<void> {
  const entry = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw new SocketPathError(path, error.message, { cause: error });
  });
  if (entry === null) return;
  if (!entry.isSocket()) throw new SocketPathError(path, 'another kind of file is there');
  if (await answers(path)) throw new SocketInUseError(path);
}

/** Whether somebody listens there. A full backlog (EAGAIN) is somebody, too. */
function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.once('connect', () => resolve(true));
  socket.once('error', (error: NodeJS.ErrnoException) => {
    resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
  });
  return promise.finally(() => socket.destroy());
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ path }, () => {
    server.off('error', reject);
    resolve();
  });
  return promise;
}

async function inode(path: string): Promise<number | null> {
  return lstat(path).then(
    (entry) => entry.ino,
    () => null,
  );
}
