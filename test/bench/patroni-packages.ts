import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { findBinaries } from '../../src/postgres/find-binaries.ts';

export interface PatroniPrograms {
  readonly patroni: string;
  readonly etcd: string;
  /** The directory of Postgres's own programs. */
  readonly postgres: string;
  readonly description: string;
}

/** Debian's packages of Patroni and etcd; installed where they are missing and this is root. */
export async function obtainPatroni(say: (text: string) => void): Promise<PatroniPrograms> {
  if ((await find('patroni')) === null || (await find('etcd')) === null) await install(say);
  const patroni = await find('patroni');
  const etcd = await find('etcd');
  if (patroni === null || etcd === null)
    throw new Error('patroni or etcd is missing after their installation');
  const binaries = await findBinaries(null);
  const [theirs, store] = await Promise.all([execa(patroni, ['--version']), execa(etcd, ['--version'])]);
  const versions = [theirs.stdout.trim(), store.stdout.split('\n')[0], `Postgres ${binaries.version}`];
  return { patroni, etcd, postgres: binaries.directory, description: versions.join(', ') };
}

async function install(say: (text: string) => void): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error('--peer patroni: install the packages patroni and etcd-server first (this is not root)');
  }
  say('installing the packages patroni and etcd-server');
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await execa('apt-get', ['update', '-q'], { env });
  await execa('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'patroni', 'etcd-server'], {
    env,
  });
}

async function find(name: string): Promise<string | null> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return null;
}
