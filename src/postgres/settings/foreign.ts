import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import type { InstanceOptions, InstanceSettings } from '../ports.ts';
import { writeDurably } from '../volume/durable.ts';
import type { VolumePaths } from '../volume/paths.ts';
import { namesInFile } from './configuration-file.ts';
import { DYNAMIC_NAMES, standingSettings } from './standing.ts';

/** `name = 'value'` or a comment, one a line (guc.c, write_auto_conf_file). */
const ENTRY = /^\s*([A-Za-z_][\w.]*)\s*=/;

/** Every name whose value is the agent's to write: an entry of postgresql.auto.conf would beat it, being read last. */
export function agentNames(
  options: InstanceOptions,
  paths: VolumePaths,
  settings: InstanceSettings,
): ReadonlySet<string> {
  return new Set([
    ...DYNAMIC_NAMES,
    ...Object.keys(standingSettings(options, paths)),
    ...namesInFile(settings),
  ]);
}

/** The entries of postgresql.auto.conf on these names. */
export async function foreignEntries(data: string, names: ReadonlySet<string>): Promise<readonly string[]> {
  const found = (await readAutoConf(data)).split('\n').map(entryName);
  return [...new Set(found.filter((name) => name !== null && isForeign(name, names)))] as string[];
}

/** Writes postgresql.auto.conf without them. Nothing else may write it meanwhile: it is not running, or is 17+ (allow_alter_system). */
export async function removeForeignEntries(data: string, names: ReadonlySet<string>): Promise<void> {
  const text = await readAutoConf(data);
  const kept = text.split('\n').filter((line) => {
    const name = entryName(line);
    return name === null || !isForeign(name, names);
  });
  if (kept.length === text.split('\n').length) return;
  await writeDurably(join(data, 'postgresql.auto.conf'), kept.join('\n'));
}

/** When the file was last written; null: there is none. So a look costs no more than this where nothing changed. */
export async function autoConfChangedAt(data: string): Promise<bigint | null> {
  const info = await stat(join(data, 'postgresql.auto.conf'), { bigint: true }).catch(() => null);
  return info?.mtimeNs ?? null;
}

function entryName(line: string): string | null {
  return ENTRY.exec(line)?.[1]?.toLowerCase() ?? null;
}

function isForeign(name: string, names: ReadonlySet<string>): boolean {
  return names.has(name) || name.startsWith('pgwarden.');
}

async function readAutoConf(data: string): Promise<string> {
  return readFile(join(data, 'postgresql.auto.conf'), 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  });
}
