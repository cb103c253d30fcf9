import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';

/** Debian's pgbackrest; installed where it is missing and this is root. */
export async function obtainPgbackrest(
  say: (text: string) => void,
): Promise<{ readonly path: string; readonly version: string }> {
  if ((await find('pgbackrest')) === null) await install(say);
  const path = await find('pgbackrest');
  if (path === null) throw new Error('pgbackrest is missing after its installation');
  return { path, version: (await execa(path, ['version'])).stdout.trim() };
}

async function install(say: (text: string) => void): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error('--peer pgbackrest: install the package pgbackrest first (this is not root)');
  say('installing the package pgbackrest');
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await execa('apt-get', ['update', '-q'], { env });
  await execa('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'pgbackrest'], { env });
}

async function find(name: string): Promise<string | null> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return null;
}
