import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupProgress } from '../../archive/backup/progress.ts';
import { ProgressKeeper } from '../../archive/backup/progress.ts';
import { runBackup } from '../../archive/backup/run-backup.ts';
import type { Configuration } from '../../config/configuration.ts';
import { memberName, memberOf } from '../../ha/member.ts';
import { millis } from '../../ha/units.ts';
import type { View } from '../../ha/view.ts';
import type { BackupReport, BegunRun } from '../../http/backup-report.ts';
import type { BackupPort, Refused } from '../../http/routes-backup.ts';
import { localAccess } from '../../postgres/sql/local-access.ts';
import type { SessionTarget } from '../../postgres/sql/session.ts';
import { archiveSettings } from '../archive/settings.ts';
import type { Context } from '../context.ts';
import { recoveryInTheWay } from '../recovery/in-the-way.ts';
import { roleOf } from '../status.ts';
import { identityOf, openForBackup } from './archive.ts';
import { type CallAccess, callMember } from './call-member.ts';
import { type BackupSource, type Choice, chooseMember } from './choose.ts';
import { failureOf, isRunningElsewhere } from './errors.ts';
import { BackupRun } from './run.ts';
import { Scheduler } from './scheduler.ts';
import { remotePrimary, WalSwitcher } from './wal-switch.ts';

export interface BackupServiceOptions {
  readonly configuration: Configuration;
  readonly context: Context;
  view(): View | null;
  /** The password of the superuser, where it needs one. */
  superuserPassword(): string;
  access(): CallAccess;
}

/** Milliseconds: for a view to come to what another has seen, or for an epoch to be settled. */
const CHOOSE_WITHIN = 3_000;
const LOOK_AGAIN = millis(100);
/** Until it is known whether the lock is free or its holder lives, in milliseconds. */
const BEGIN_WITHIN = 6_000;
const OPEN_WITHIN = 30_000;

/** Base backups as a part of the agent: takes them, passes them on to whom they fall to, and keeps the schedule. */
export class BackupService implements BackupPort {
  readonly #options: BackupServiceOptions;
  readonly #switcher: WalSwitcher;
  readonly #scheduler: Scheduler;
  readonly #end = new AbortController();
  #run: BackupRun | null = null;
  #running: Promise<void> = Promise.resolve();

  /** `configuration.archive.url` is given. */
  constructor(options: BackupServiceOptions) {
    this.#options = options;
    this.#switcher = new WalSwitcher(() => this.#target());
    this.#scheduler = new Scheduler({
      settings: options.configuration.backup,
      open: (signal) => this.#open({ mayWrite: false }, signal),
      leads: () => {
        const view = options.view();
        return view !== null && roleOf(view) === 'primary' && recoveryInTheWay(view) === null;
      },
      start: (incremental) => this.start({ from: null, incremental }),
      log: options.context.log,
    });
  }

  report(): BackupReport {
    const run = this.#run;
    const { newest, nextAt } = this.#scheduler;
    return {
      running: run === null || run.ended !== null ? null : run.report(),
      last: run?.ended ?? null,
      newest,
      nextAt: nextAt?.toISOString() ?? null,
    };
  }

  /** Keeps the schedule until the signal ends; a backup that runs then is cancelled, and what it wrote removed. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#scheduler.run(signal);
    } finally {
      this.#end.abort();
      await this.#running;
    }
  }

  async start({ from, incremental }: Parameters<BackupPort['start']>[0]): Promise<BegunRun | Refused> {
    const { context, configuration, view: latest } = this.#options;
    const view = latest();
    if (view === null) return refuse(503, 'STARTING', 'the agent starts', 'Try again in a moment.');
    const unconfirmed = recoveryInTheWay(view);
    if (unconfirmed !== null) return unconfirmed;
    const wanted = from ?? configuration.backup.from;
    if (wanted !== 'standby' && wanted !== 'primary') {
      const isKnown = wanted === context.self || context.peers.record(memberName(wanted)) !== null;
      if (!isKnown)
        return refuse(404, 'MEMBER_UNKNOWN', `there is no member ${wanted}`, 'See "pgwarden status".');
    }
    const choice = await this.#choose(view, wanted as BackupSource);
    if (choice.member === null)
      return refuse(412, 'MEMBER_UNFIT', choice.why, 'See "pgwarden status", or name another member.');
    if (choice.member !== context.self) {
      const body = { from: choice.member, incremental };
      return await callMember<BegunRun>(
        context,
        choice.member,
        '/v1/backups',
        body,
        this.#options.access(),
        this.#end.signal,
      );
    }
    return await this.#begin(choice.role, incremental);
  }

  /** A member may be chosen by another that knows of it before its own view does: a refusal is waited over. */
  async #choose(view: View, wanted: BackupSource): Promise<Choice> {
    const { clock } = this.#options.context;
    const until = clock.now() + CHOOSE_WITHIN;
    for (let latest = view; ; latest = this.#options.view() ?? latest) {
      const choice = chooseMember(latest, clock.now(), wanted);
      if (choice.member !== null || clock.now() >= until || this.#end.signal.aborted) return choice;
      await clock.sleep(LOOK_AGAIN, this.#end.signal);
    }
  }

  async switchWal({ ticket, checkpoint }: { readonly ticket: string; readonly checkpoint: boolean }) {
    const view = this.#options.view();
    if (view === null || roleOf(view) !== 'primary')
      return refuse(412, 'NOT_PRIMARY', 'this member is not the primary', 'Ask the primary.');
    if (!checkpoint) this.#scheduler.expect();
    return await this.#switcher.answer(ticket, checkpoint);
  }

  async #begin(role: 'standby' | 'primary', incremental: boolean): Promise<BegunRun | Refused> {
    const { context } = this.#options;
    if (this.#run !== null && this.#run.ended === null)
      return refuse(
        409,
        'BACKUP_RUNNING',
        `${context.self} is taking a backup of this cluster already`,
        'Wait until it is done: GET /v1/status shows how far it is.',
      );
    const run = new BackupRun();
    this.#run = run;
    this.#running = this.#take(run, role, incremental);
    const waited = new AbortController();
    await Promise.race([
      run.begun,
      sleep(BEGIN_WITHIN, undefined, { signal: waited.signal }).catch(() => undefined),
    ]);
    waited.abort();
    if (run.failure !== null)
      return { refused: failureOf(run.failure), status: isRunningElsewhere(run.failure) ? 409 : 503 };
    return { message: `${context.self} (${role}) takes a backup`, member: context.self, run: run.id };
  }

  async #take(run: BackupRun, role: 'standby' | 'primary', incremental: boolean): Promise<void> {
    const { context, configuration } = this.#options;
    const { backup, volume } = configuration;
    const { log } = context;
    const { signal } = this.#end;
    const onWhole = (why: string): void => {
      run.isWhole(why);
      log.info({ event: 'backup.whole', run: run.id, why }, `A whole backup is taken: ${why}`);
    };
    try {
      const archive = await this.#open({ mayWrite: true }, signal);
      try {
        const progress = new ProgressKeeper((now: BackupProgress) => run.progressed(now));
        log.info({ event: 'backup.begun', run: run.id, role }, `A backup of this ${role} begins`);
        const done = await runBackup(
          {
            archive,
            target: this.#target(),
            data: join(volume, 'data'),
            primary: remotePrimary((wish, asking) => this.#askPrimary(wish, asking)),
            member: context.self,
            parallel: backup.parallel,
            rate: backup.rate === 0 ? null : backup.rate,
            verifyChecksums: backup.verifyChecksums,
            ...(incremental ? { increment: { most: backup.incrementsMost, onWhole } } : {}),
            walWithin: backup.walTimeout,
            progress,
            onNudgeFailed: (error) =>
              log.warn(
                { event: 'backup.nudge-failed', err: error },
                'The primary could not be asked to end its segment of WAL',
              ),
            onRemoved: (names) =>
              log.warn(
                { event: 'backup.removed', names },
                `Backups that were never finished are removed: ${names.join(', ')}`,
              ),
          },
          signal,
        );
        run.succeeded(done);
        log.info({ event: 'backup.done', run: run.id, ...done }, `${done.name} is in the archive`);
        this.#scheduler.look();
      } finally {
        archive.store.close();
      }
    } catch (error) {
      run.failed(error);
      const { code, message, remedy } = failureOf(error);
      log.error(
        { event: 'backup.failed', run: run.id, code, remedy, err: error },
        `The backup failed: ${message}`,
      );
    }
  }

  async #askPrimary(wish: { readonly ticket: string; readonly checkpoint: boolean }, signal: AbortSignal) {
    const { context, view: latest, access } = this.#options;
    const primary = latest()?.record.lastValid?.primary ?? null;
    if (primary === null) return refuse(503, 'NO_PRIMARY', 'there is no primary', 'Wait for one.');
    const member = memberOf(primary);
    if (member === context.self) return await this.switchWal(wish);
    return await callMember<{ lsn: string | null }>(
      context,
      member,
      '/v1/wal/switch',
      wish,
      access(),
      signal,
    );
  }

  #open(how: { readonly mayWrite: boolean }, signal: AbortSignal) {
    const { configuration, view } = this.#options;
    const bound = AbortSignal.any([signal, AbortSignal.timeout(OPEN_WITHIN)]);
    return openForBackup(archiveSettings(configuration.archive), identityOf(view()), how, bound);
  }

  #target(): SessionTarget {
    const { postgres } = this.#options.configuration;
    return {
      host: postgres.socketDirectory,
      port: postgres.port,
      user: postgres.superuser.name,
      password: localAccess().osUser === null ? this.#options.superuserPassword() : undefined,
    };
  }
}

function refuse(status: Refused['status'], code: string, message: string, remedy: string): Refused {
  return { refused: { code, message, remedy }, status };
}
