import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kept } from '../ha/view.ts';
import { PostgresError } from './errors.ts';
import type { Flags } from './local-observer.ts';
import type { InstanceDeps, InstanceOptions } from './ports.ts';
import { isLockFree } from './process/lock.ts';
import { killAll } from './process/orphans.ts';
import { livingPostmaster, type Postmaster } from './process/postmaster.ts';
import { startCommand } from './process/start-command.ts';
import { type StopMode, stopPostgres } from './process/stop.ts';
import { agentNames, removeForeignEntries } from './settings/foreign.ts';
import { hotStandbyOverrides } from './settings/hot-standby.ts';
import { settingIn } from './settings/quoting.ts';
import type { SettingsFiles } from './settings/settings-files.ts';
import { NOBODY } from './settings/standing.ts';
import type { ControlFileReader } from './volume/control-file.ts';
import { checkDataDirectory, requireBinaries } from './volume/directory-check.ts';
import { makeDirectory, removeDurably, writeDurably } from './volume/durable.ts';
import type { FactStore } from './volume/fact-store.ts';
import { clearIncoming } from './volume/install.ts';
import type { VolumePaths } from './volume/paths.ts';
import { carryOn } from './volume/set-aside.ts';
import type { WalDirectory } from './volume/wal-directory.ts';
import { bounded } from './wait.ts';
import { removeDanglingPlaceholders } from './work/promote.ts';

const ORPHANS_BOUND_MS = 30_000;

/** A recovery in place was cut off while it moved the data. */
function isMoving(kept: Kept | null): boolean {
  return kept?.phase === 'moving' || kept?.phase === 'returning';
}

export interface LifeParts {
  readonly options: InstanceOptions;
  readonly paths: VolumePaths;
  readonly deps: InstanceDeps;
  readonly facts: FactStore;
  readonly postmaster: Postmaster;
  readonly files: SettingsFiles;
  readonly control: ControlFileReader;
  readonly wal: WalDirectory;
  readonly flags: Flags;
}

/** From the look at the volume to the last process: load, orphans, start, stop. */
export class ServerLife {
  readonly #parts: LifeParts;

  constructor(parts: LifeParts) {
    this.#parts = parts;
  }

  /** Reads facts and checks that the directory is one that we may run; changes nothing in it. */
  async load(): Promise<void> {
    const { options, paths, facts, control } = this.#parts;
    await requireBinaries(options.binaries.directory);
    await makeDirectory(paths.volume);
    const presence = await checkDataDirectory(options, paths);
    await facts.load();
    if (presence !== 'present' || facts.broken) return;
    const found = await control.read(bounded(ORPHANS_BOUND_MS));
    if (facts.identity === null) {
      throw new PostgresError(
        'DATA_UNKNOWN',
        `${paths.data} holds a database cluster (${found?.systemIdentifier}) that pgwarden did not make`,
        'Use an empty volume; nothing of this one has been changed.',
      );
    }
    if (found === null || found.systemIdentifier === facts.identity.systemIdentifier) return;
    throw new PostgresError(
      'SYSTEM_IDENTIFIER_CHANGED',
      `${paths.data} is of system ${found.systemIdentifier}, and this member was of ${facts.identity.systemIdentifier}`,
      'Somebody replaced the directory. Put the old one back, or start the member with an empty volume.',
    );
  }

  /** Also finishes or clears away what an installation that was cut off left. */
  async clearOrphans(
    { adopt }: { readonly adopt: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly adopted: boolean }> {
    const { paths, postmaster, facts, deps } = this.#parts;
    const limit = bounded(ORPHANS_BOUND_MS, signal);
    if (postmaster.pid !== null) return { adopted: false };
    if (!(await isLockFree(paths.lock, limit))) {
      const pid = adopt ? await livingPostmaster(paths.data) : null;
      if (pid !== null) {
        // What an earlier agent told it is unknown: the door counts as open until it is proven closed.
        this.#parts.flags.doorOpen = true;
        const settings = await readFile(paths.configurationFile, 'utf8').catch(() => '');
        this.#parts.files.assume({
          open: true,
          identity: facts.memberIdentity,
          // Else the next change of anything, a paused cluster's too, would have commits wait for nobody.
          synchronousStandbyNames: settingIn(settings, 'synchronous_standby_names') ?? NOBODY,
        });
        await postmaster.adopt(pid);
        deps.logger.info({ event: 'postgres_adopted', pid }, 'Postgres of an earlier agent is taken over');
        return { adopted: true };
      }
      deps.logger.warn({ event: 'orphans' }, 'processes of an earlier agent are killed');
      await killAll(paths.data, paths.lock, limit);
    }
    await facts.finishInstall();
    if (isMoving(facts.facts.kept)) await facts.move(carryOn);
    await clearIncoming(paths);
    return { adopted: false };
  }

  async startStandby(signal: AbortSignal): Promise<void> {
    const { paths, control, files, wal } = this.#parts;
    await this.#requireWhole();
    await writeDurably(join(paths.data, 'standby.signal'), '');
    await removeDanglingPlaceholders(paths.wal, wal);
    const found = await control.read(signal);
    const wished = files.wanted.settings.parameters;
    await this.#start(NOBODY, found === null ? {} : hotStandbyOverrides(wished, found.required), signal);
  }

  async startPrimary(synchronousStandbyNames: string, signal: AbortSignal): Promise<void> {
    await this.#requireWhole();
    await removeDurably(join(this.#parts.paths.data, 'standby.signal'));
    await this.#start(synchronousStandbyNames, {}, signal);
  }

  async stop(mode: StopMode, signal?: AbortSignal): Promise<void> {
    const { postmaster, paths, options, deps } = this.#parts;
    await stopPostgres(postmaster, paths, mode, options.stopTimeout, deps, signal);
    this.#parts.flags.promoting = false;
    this.#parts.flags.doorOpen = false;
    this.#parts.flags.doorInDoubt = false;
  }

  async #start(
    synchronousStandbyNames: string,
    overrides: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> {
    const { options, paths, facts, postmaster, files, flags } = this.#parts;
    await chmod(paths.data, 0o700);
    await makeDirectory(options.socketDirectory);
    await removeForeignEntries(paths.data, agentNames(options, paths, files.wanted.settings));
    await files.change(
      {
        synchronousStandbyNames,
        upstream: null,
        identity: facts.memberIdentity,
        useSlot: false,
        hurryReplay: false,
        sparseSegments: false,
        fromArchive: false,
        overrides,
        open: false,
      },
      async () => undefined,
    );
    flags.doorOpen = false;
    flags.doorInDoubt = false;
    flags.promoting = false;
    flags.walRemoved = false;
    flags.settingsTooLow = false;
    await postmaster.start(startCommand(options, paths), signal);
  }

  async #requireWhole(): Promise<void> {
    const { facts, options, paths, postmaster } = this.#parts;
    if (postmaster.pid !== null)
      throw new PostgresError('WRONG_STATE', 'Postgres is already running', 'Stop it first.');
    const presence = await checkDataDirectory(options, paths);
    if (presence === 'present' && !facts.broken) return;
    throw new PostgresError(
      'WRONG_STATE',
      presence === 'absent'
        ? 'there is no data to start'
        : 'a work on the data directory was interrupted: it is not whole',
      'It is cloned anew by itself.',
    );
  }
}
