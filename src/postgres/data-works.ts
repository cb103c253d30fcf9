import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lsn } from '../ha/lsn.ts';
import type { Kept } from '../ha/view.ts';
import { PostgresError } from './errors.ts';
import type { FillDirectory, InstanceDeps, InstanceOptions, ReportProgress, Upstream } from './ports.ts';
import { isLockFree } from './process/lock.ts';
import type { Postmaster } from './process/postmaster.ts';
import type { SettingsFiles } from './settings/settings-files.ts';
import { ControlFileReader } from './volume/control-file.ts';
import { renameDurably } from './volume/durable.ts';
import type { FactStore } from './volume/fact-store.ts';
import type { FactFiles } from './volume/facts.ts';
import { clearIncoming } from './volume/install.ts';
import type { VolumePaths } from './volume/paths.ts';
import { bringBack, dropKept, setAside } from './volume/set-aside.ts';
import { cloneIncoming } from './work/clone.ts';
import { finishRewind } from './work/finish-rewind.ts';
import { initializeIncoming } from './work/initialize.ts';
import { recoverSingleUser, requireSource, runRewind, saveDivergedWal } from './work/rewind.ts';

export interface DataParts {
  readonly options: InstanceOptions;
  readonly paths: VolumePaths;
  readonly deps: InstanceDeps;
  readonly facts: FactStore;
  readonly postmaster: Postmaster;
  readonly files: SettingsFiles;
  readonly control: ControlFileReader;
}

/** Milliseconds. */
const LOCK_WITHIN = 5_000;

const CLEAN = new Set(['shut down', 'shut down in recovery']);

/** The works that make or change a whole data directory. Postgres is stopped for all of them. */
export class DataWorks {
  readonly #parts: DataParts;

  constructor(parts: DataParts) {
    this.#parts = parts;
  }

  async initialize(
    report: ReportProgress,
    signal: AbortSignal,
  ): Promise<{ readonly systemIdentifier: string }> {
    const { options, paths, deps, facts } = this.#parts;
    await this.#requireEmpty();
    await clearIncoming(paths);
    await initializeIncoming(options, paths, deps, report, signal);
    const systemIdentifier = await this.#systemIdentifierOf(paths.incoming, signal);
    await facts.install(systemIdentifier);
    return { systemIdentifier };
  }

  /** As `initialize`, out of an archive. */
  async restore(fill: FillDirectory, signal: AbortSignal): Promise<{ readonly systemIdentifier: string }> {
    const { paths, facts } = this.#parts;
    await this.#requireEmpty();
    const { inherited } = await fill({ directory: paths.restoring, lock: paths.lock }, signal);
    const systemIdentifier = await this.#systemIdentifierOf(paths.restoring, signal);
    await clearIncoming(paths);
    await renameDurably(paths.restoring, paths.incoming);
    await facts.install(systemIdentifier, inherited);
    return { systemIdentifier };
  }

  async clone(
    from: Upstream,
    report: ReportProgress,
    signal: AbortSignal,
    removeOldFirst: boolean,
  ): Promise<void> {
    const { options, paths, facts, files } = this.#parts;
    this.#requireStopped();
    await clearIncoming(paths);
    await files.writePassfile();
    if (removeOldFirst) {
      await facts.breakBy({ work: 'replace', from: from.identity, switchLsn: null });
      await rm(paths.data, { recursive: true, force: true });
      await rm(paths.aside, { recursive: true, force: true });
    }
    try {
      await cloneIncoming(from, facts.memberIdentity, options, paths, report, signal);
    } catch (error) {
      await clearIncoming(paths);
      throw error;
    }
    await facts.install(await this.#systemIdentifierOf(paths.incoming, signal));
  }

  async rewind(from: Upstream, switchLsn: Lsn, report: ReportProgress, signal: AbortSignal): Promise<void> {
    const { options, paths, deps, facts, files, control } = this.#parts;
    this.#requireStopped();
    if (facts.broken) {
      throw new PostgresError(
        'WRONG_STATE',
        'a rewind was interrupted before',
        'It is cloned anew by itself.',
      );
    }
    const context = { options, paths, deps, from, report, signal };
    // Settings that suit this directory, for single-user mode; and the password.
    await files.change({ upstream: null, useSlot: false, open: false }, async () => undefined);
    // Up to here it is a directory like any after a crash: whole, and to be started again if this is cut off.
    const before = await control.read(signal);
    if (before !== null && !CLEAN.has(before.state)) await recoverSingleUser(context);
    const clean = await control.read(signal);
    if (clean !== null) await saveDivergedWal(context, clean, switchLsn);
    // What cannot be reached does not cost this member its data: without it, it could not even promise.
    await requireSource(options, from, signal);
    await facts.breakBy({ work: 'rewind', from: from.identity, switchLsn });
    await runRewind(context);
    await finishRewind(this.#parts, from, facts.memberIdentity, report, signal);
    await facts.mend();
  }

  async setAside(operation: Pick<Kept, 'id' | 'generation'>): Promise<void> {
    await this.#move(async (paths, files) => await setAside(paths, files, operation));
  }

  async bringBack({
    id,
    generation,
    inPlace,
  }: Pick<Kept, 'id' | 'generation'> & { readonly inPlace: boolean }): Promise<void> {
    await this.#move(async (paths, files) => {
      await bringBack(paths, files, { id, next: generation, inPlace });
    });
    await rm(join(this.#parts.paths.kept, id), { recursive: true, force: true });
  }

  async dropKept(id: string): Promise<void> {
    await this.#parts.facts.move(async (paths, files) => await dropKept(paths, files, id));
  }

  /** What was half-made is cleared first; a directory that was whole and not yet in place gets there. */
  async #move(work: (paths: VolumePaths, files: FactFiles) => Promise<void>): Promise<void> {
    const { paths, facts } = this.#parts;
    this.#requireStopped();
    if (!(await isLockFree(paths.lock, AbortSignal.timeout(LOCK_WITHIN))))
      throw new PostgresError(
        'DIRECTORY_IN_USE',
        'another process still works in this directory',
        'It is tried again by itself when that one has ended.',
      );
    await facts.finishInstall();
    await clearIncoming(paths);
    await facts.move(work);
  }

  async #systemIdentifierOf(directory: string, signal: AbortSignal): Promise<string> {
    const reader = new ControlFileReader(this.#parts.options.binaries.directory, directory);
    const control = await reader.read(signal);
    if (control !== null) return control.systemIdentifier;
    throw new PostgresError(
      'CONTROL_FILE_UNREADABLE',
      `${join(directory, 'global', 'pg_control')} is missing`,
      'It is tried again by itself.',
    );
  }

  async #requireEmpty(): Promise<void> {
    const { paths } = this.#parts;
    this.#requireStopped();
    const names = await readdir(paths.data).catch(() => []);
    if (names.length === 0) return;
    throw new PostgresError(
      'DATA_NOT_EMPTY',
      `${paths.data} is not empty (${names.slice(0, 3).join(', ')})`,
      'A new database cluster is only made on an empty volume.',
    );
  }

  #requireStopped(): void {
    if (this.#parts.postmaster.pid === null) return;
    throw new PostgresError('WRONG_STATE', 'Postgres runs in the data directory', 'Stop it first.');
  }
}
