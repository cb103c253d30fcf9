import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../postgres/volume/durable.ts';
import { ASK_SCRIPT } from './ask-script.ts';
import type { Spool } from './spool.ts';

/** Ends a recovery for good, in place of letting it end early (xlogarchive.c, RestoreArchivedFile: above 125). */
const ABORT_RECOVERY = 200;
const LOOK_ELSEWHERE = 1;
const STOPPING = 126;

export interface CommandPlaces {
  readonly spool: Spool;
  /** Where ask-agent.pl lies: see `installAskScript`. */
  readonly script: string;
  /** Who answers. */
  readonly socket: string;
}

/** Writes ask-agent.pl where the commands find it; a volume that is full may have it already. */
export async function installAskScript(directory: string): Promise<string> {
  const path = join(directory, 'ask-agent.pl');
  const installed = await readFile(path, 'utf8').catch(() => null);
  if (installed !== ASK_SCRIPT) await writeAtomically(path, ASK_SCRIPT, 0o600);
  return path;
}

/**
 * The value of archive_command. A mark in the spool counts only when it is newer than the file itself: after a rewind
 * or a clone the same name may hold other WAL. Every failure exits 1: a greater code than 125 would restart the
 * archiver, and not be counted in pg_stat_archiver (documentation, "Setting Up WAL Archiving"). Only while Postgres
 * stops it is 126: the archiver then ends at once in place of two more tries a second apart, and is not restarted.
 */
export function archiveCommand({ spool, script, socket }: CommandPlaces): string {
  const ask = `perl ${quote(script)} ${quote(socket)} push %f 1`;
  return `[ ${quote(spool.pushed)}/%f -nt %p ] || ${ask} || { [ $? -eq ${STOPPING} ] && exit ${STOPPING}; exit 1; }`;
}

/**
 * The value of restore_command. `recovery`: a fault of the store or the agent ends Postgres rather than the recovery.
 * `standby`: it looks elsewhere, and asks again.
 */
export function restoreCommand(
  { spool, script, socket }: CommandPlaces,
  mode: 'recovery' | 'standby',
): string {
  const fault = mode === 'recovery' ? ABORT_RECOVERY : LOOK_ELSEWHERE;
  const fetched = `${quote(spool.fetched)}/%f`;
  const ask = `perl ${quote(script)} ${quote(socket)} fetch %f ${fault}`;
  return `{ [ -e ${fetched} ] || ${ask}; } || exit $?; mv -f ${fetched} %p || exit ${fault}`;
}

/** For the shell, and for Postgres, which replaces what follows a percent sign. */
function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`;
}
