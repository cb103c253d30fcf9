import { ArchiveSettingsError } from '../errors.ts';
import { BACKUP_FOLDER, WAL_FOLDER } from '../layout.ts';
import type { ObjectStore } from '../store/ports.ts';
import { walFileKind } from '../wal/names.ts';
import { WALG_LAYOUT, type WalLayout } from '../wal/source.ts';
import type { ArchiveLayoutKind } from './backup.ts';

/** Where an archive keeps what; folders end with `/`. */
export interface ArchiveLayout extends WalLayout {
  readonly kind: ArchiveLayoutKind;
  readonly backupFolder: string;
  readonly walFolder: string;
}

export const WALG: ArchiveLayout = {
  kind: 'wal-g',
  backupFolder: BACKUP_FOLDER,
  walFolder: WAL_FOLDER,
  nameOf: WALG_LAYOUT.nameOf,
};

/** Of barman-cloud; `root`: '' or its server's name with `/` behind. Histories lie right in `wals` (its xlog.hash_dir). */
export function barmanCloud(root: string): ArchiveLayout {
  const walFolder = `${root}wals/`;
  return {
    kind: 'barman-cloud',
    backupFolder: `${root}base/`,
    walFolder,
    nameOf: (file) =>
      file === '' || walFileKind(file) === 'history'
        ? walFolder + file
        : `${walFolder}${file.slice(0, 16)}/${file}`,
  };
}

/**
 * Finds out how an archive is laid out: WAL-G's way, or barman-cloud's, whose server may be the prefix itself or the
 * one folder below it. An empty one is WAL-G's.
 *
 * @throws ArchiveSettingsError where there are several servers
 */
export async function detectLayout(
  store: ObjectStore,
  options: { readonly signal: AbortSignal },
): Promise<ArchiveLayout> {
  const folders = await namesIn(store, '', options);
  if (folders.includes('wal_005') || folders.includes('basebackups_005')) return WALG;
  if (isServer(folders)) return barmanCloud('');
  const servers: string[] = [];
  for (const name of folders) {
    if (isServer(await namesIn(store, `${name}/`, options))) servers.push(name);
  }
  const [server] = servers;
  if (server === undefined) return WALG;
  if (servers.length === 1) return barmanCloud(`${server}/`);
  throw new ArchiveSettingsError(
    `${store.name} has archives of ${servers.length} servers: ${servers.join(', ')}`,
    `Say which: ${store.name}/${server}`,
  );
}

/** `wals` without `base`: WAL is archived, and no backup taken yet. */
function isServer(folders: readonly string[]): boolean {
  return folders.includes('wals') || folders.includes('base');
}

/** No more names than tell what it is: a bucket may be anything. */
const NAMES_MAX = 100;

async function namesIn(
  store: ObjectStore,
  prefix: string,
  options: { readonly signal: AbortSignal },
): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.folders(prefix, options)) {
    names.push(name);
    if (names.length === NAMES_MAX) break;
  }
  return names;
}
