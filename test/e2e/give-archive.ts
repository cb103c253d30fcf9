import { chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { openDemo } from '../../src/demo/state.ts';
import type { DemoCluster } from './cluster.ts';

/** Gives every member an archive in a directory, as its owner would: by the configuration, and a restart. */
export async function giveArchive(
  cluster: DemoCluster,
  directory: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await cluster.stop();
  const { members } = await openDemo(cluster.dir);
  await mkdir(directory);
  for (const { config, volume } of members) {
    const { uid, gid } = await stat(volume);
    if (process.getuid?.() === 0) await chown(directory, uid, gid);
    const before = parse(await readFile(config, 'utf8')) as Record<string, unknown>;
    await writeFile(config, stringify({ ...before, archive: { url: `file://${directory}` }, ...more }));
  }
  await cluster.startAgain();
  await cluster.waitUntilComplete();
}
