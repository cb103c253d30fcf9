import { isAbsolute, normalize } from 'node:path';
import type { BackupTablespace } from '../catalog/backup.ts';
import { TablespaceError } from './errors.ts';

/** `OLD=NEW`, as `pg_basebackup --tablespace-mapping` has it; or the tablespace's number in OLD's place. */
export interface TablespaceMapping {
  readonly from: string;
  readonly to: string;
}

/** Where each tablespace of a backup goes: its number, and an absolute path. */
export type TablespacePlaces = ReadonlyMap<string, string>;

/** Reads `OLD=NEW`. An equals sign in a path is written `\=` (pg_basebackup.c, tablespace_list_append). Null: it is none. */
export function parseMapping(text: string): TablespaceMapping | null {
  const parts = text.split(/(?<!\\)=/).map((part) => part.replaceAll('\\=', '='));
  const [from = '', to = ''] = parts;
  if (parts.length !== 2 || !isAbsolute(to) || !(isAbsolute(from) || /^\d+$/.test(from))) return null;
  return { from: isAbsolute(from) ? trimmed(from) : from, to: trimmed(to) };
}

/**
 * Where the tablespaces go: where they were, but for those that a mapping names.
 *
 * @throws TablespaceError for a mapping that fits none, or two tablespaces at one place
 */
export function placeTablespaces(
  tablespaces: readonly BackupTablespace[],
  mappings: readonly TablespaceMapping[],
): TablespacePlaces {
  const places = new Map<string, string>();
  const used = new Set<TablespaceMapping>();
  for (const { oid, location } of tablespaces) {
    const mapping = mappings.find(({ from }) => from === oid || from === trimmed(location));
    if (mapping !== undefined) used.add(mapping);
    const place = mapping?.to ?? trimmed(location);
    if (!isAbsolute(place)) throw new TablespaceError(`the backup does not tell where tablespace ${oid} was`);
    for (const [other, taken] of places)
      if (taken === place)
        throw new TablespaceError(`the tablespaces ${other} and ${oid} would both go to ${place}`);
    places.set(oid, place);
  }
  const unused = mappings.find((mapping) => !used.has(mapping));
  if (unused === undefined) return places;
  const known = tablespaces.map(({ oid, location }) => `${location} (${oid})`).join(', ');
  throw new TablespaceError(`the backup has no tablespace ${unused.from}; it has ${known || 'none'}`);
}

/**
 * What tablespace_map says once tablespaces are at other places: Postgres makes the links by it (xlog.c,
 * read_tablespace_map). A line is `oid path`, with `\` before a backslash and a line feed of the path.
 */
export function mapWithPlaces(text: string, places: TablespacePlaces): string {
  return text.replaceAll(/^(\d+) (?:\\[\s\S]|[^\n\\])*$/gm, (line, oid: string) => {
    const place = places.get(oid);
    return place === undefined
      ? line
      : `${oid} ${place.replaceAll(/[\\\n\r]/g, (character) => `\\${character}`)}`;
  });
}

function trimmed(path: string): string {
  return normalize(path).replace(/(?<=.)\/+$/, '');
}
