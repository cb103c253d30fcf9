import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { demoMember, openDemo } from '../../../src/demo/state.ts';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import type { DemoCluster } from '../cluster.ts';

/** Whom this process has to become, where it is root, to work beside a directory's owner. */
export async function ownerOf(path: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const { uid, gid } = await stat(path);
  return { uid, gid };
}

/** Asks a Postgres by its socket, as the superuser. */
export async function askBySocket(
  place: { readonly directory: string; readonly port: number; readonly database: string },
  sql: string,
): Promise<string[]> {
  const { directory } = await findBinaries(null);
  const at = ['-h', place.directory, '-p', String(place.port), '-U', 'postgres', '-d', place.database];
  const { stdout } = await execa(join(directory, 'psql'), [...at, '-XAtc', sql], {
    cwd: '/',
    ...(await ownerOf(place.directory)),
  });
  return stdout === '' ? [] : stdout.split('\n');
}

/** The same at one member of a demo. */
export async function askAsSuperuser(dir: string, member: string, sql: string): Promise<string[]> {
  const { socketDirectory, port } = demoMember(await openDemo(dir), member);
  return await askBySocket({ directory: socketDirectory, port, database: 'postgres' }, sql);
}

/** Ends the segment that the primary writes; its name. */
export async function endSegment(cluster: DemoCluster): Promise<string> {
  const sql = 'select pg_walfile_name(pg_switch_wal())';
  const [file = ''] = await askAsSuperuser(cluster.dir, await cluster.primary(), sql);
  return file;
}
