import { PostgresError } from './errors.ts';
import type { InstanceDeps, InstanceOptions, InstanceSettings } from './ports.ts';
import type { Postmaster } from './process/postmaster.ts';
import { agentNames, autoConfChangedAt, foreignEntries, removeForeignEntries } from './settings/foreign.ts';
import { quoteIdentifier } from './settings/quoting.ts';
import type { SettingsFiles } from './settings/settings-files.ts';
import { checkNames, checkValues, knownParameters } from './settings/validate.ts';
import type { LocalServer } from './sql/local-server.ts';
import type { VolumePaths } from './volume/paths.ts';
import { committing } from './work/epoch-rows.ts';
import { setChangedPasswords } from './work/prepare.ts';
import { type Running, reloadProven } from './work/reload.ts';

export interface SettingsParts extends Running {
  readonly options: InstanceOptions;
  readonly paths: VolumePaths;
  readonly deps: InstanceDeps;
  readonly postmaster: Postmaster;
  readonly files: SettingsFiles;
  readonly server: LocalServer;
}

/** Settings of the user and of others: checked, applied, reverted; passwords. */
export class SettingsWorks {
  readonly #parts: SettingsParts;
  #known: ReadonlySet<string> | null = null;
  #autoConfSeen: bigint | null = null;

  constructor(parts: SettingsParts) {
    this.#parts = parts;
  }

  async validate(settings: InstanceSettings, signal: AbortSignal): Promise<void> {
    const { options, paths, files } = this.#parts;
    this.#known ??= await knownParameters(options, signal);
    checkNames(settings, this.#known, options, paths);
    await checkValues(files.draft(settings), options, paths, signal);
  }

  async apply(
    settings: InstanceSettings,
    signal: AbortSignal,
  ): Promise<{ readonly pendingRestart: readonly string[] }> {
    const { files, postmaster, server } = this.#parts;
    await this.validate(settings, signal);
    if (postmaster.state.state !== 'running') {
      await files.change({ settings }, async () => {
        postmaster.signal('SIGHUP');
      });
      return { pendingRestart: [] };
    }
    const before = files.wanted.settings;
    await reloadProven(this.#parts, { settings }, signal);
    const [bad] = await server.query<{ line: number; error: string }>(
      'select line_number as line, error from pg_hba_file_rules where error is not null limit 1',
      [],
      signal,
    );
    if (bad !== undefined) {
      await reloadProven(this.#parts, { settings: before }, signal);
      throw new PostgresError(
        'PARAMETER_REFUSED',
        `pg_hba.conf line ${bad.line}: ${bad.error}`,
        'Correct the rules; the ones before are in force.',
      );
    }
    return { pendingRestart: await this.pendingRestart(signal) };
  }

  /** Names of the settings that wait for a restart of Postgres. */
  async pendingRestart(signal: AbortSignal): Promise<readonly string[]> {
    const rows = await this.#parts.server.query<{ name: string }>(
      'select name from pg_settings where pending_restart order by name',
      [],
      signal,
    );
    return rows.map((row) => row.name);
  }

  /** The names that were reset. Costs one stat where nobody wrote postgresql.auto.conf since the last call. */
  async revertForeign(signal: AbortSignal): Promise<readonly string[]> {
    const { options, paths, files, server, deps } = this.#parts;
    const changedAt = await autoConfChangedAt(paths.data);
    if (changedAt === this.#autoConfSeen) return [];
    const names = agentNames(options, paths, files.wanted.settings);
    const foreign = await foreignEntries(paths.data, names);
    if (foreign.length > 0) {
      deps.logger.warn(
        { event: 'alter_system_reverted', parameters: foreign },
        'ALTER SYSTEM on settings of the agent',
      );
      if (options.binaries.major >= 17) {
        await removeForeignEntries(paths.data, names);
      } else {
        for (const name of foreign) {
          const quoted = name.split('.').map(quoteIdentifier).join('.');
          await server.query(`alter system reset ${quoted}`, [], signal);
        }
      }
      await reloadProven(this.#parts, {}, signal);
    }
    this.#autoConfSeen = await autoConfChangedAt(paths.data);
    return foreign;
  }

  /** The pgpass file on every member; the roles on a primary. A receiver takes the new one when it reconnects. */
  async rotatePasswords(signal: AbortSignal): Promise<void> {
    const { files, server, options, postmaster } = this.#parts;
    await files.writePassfile();
    if (postmaster.state.state !== 'running') return;
    await committing(server, signal, async (session) => {
      const [row] = await session.query<{ standby: boolean }>(
        'select pg_is_in_recovery() as standby',
        [],
        signal,
      );
      if (row?.standby === false) await setChangedPasswords(session, options, signal);
    });
  }
}
