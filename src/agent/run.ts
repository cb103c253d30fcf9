import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { diffConfiguration } from '../config/difference.ts';
import { loadConfiguration } from '../config/load.ts';
import { memberName } from '../ha/member.ts';
import { elapsed, type Instant } from '../ha/units.ts';
import type { HaSettings } from '../ha/view.ts';
import { systemClock } from '../kubernetes/clock.ts';
import { findBinaries } from '../postgres/find-binaries.ts';
import { createPostgresInstance } from '../postgres/instance.ts';
import type { Api } from './api.ts';
import type { Context } from './context.ts';
import { Guard } from './guard.ts';
import { Hold } from './hold.ts';
import { Lifetime } from './lifetime.ts';
import { createLogger } from './logger.ts';
import { Loop } from './loop.ts';
import { Observer } from './observe.ts';
import { PeerTrust } from './peer-trust.ts';
import { Peers } from './peers.ts';
import { dropPrivileges } from './privileges.ts';
import { Promises } from './promises.ts';
import { RecordTracker } from './record-tracker.ts';
import { Report } from './report.ts';
import { Secrets } from './secrets.ts';
import { haSettings, instanceOptions, instanceSettings } from './settings.ts';
import { Tasks } from './tasks.ts';
import { WishList } from './wishes.ts';

export interface RunOptions {
  readonly file: string | null;
  readonly flags: readonly string[];
}

/**
 * The agent of one member, from its start to its end. Resolves with the exit code: 0 after a planned end, 1 after a
 * fault. Postgres is launched before the clients of the API and the HTTP server are even loaded.
 */
export async function runAgent(options: RunOptions): Promise<number> {
  const { configuration, warnings, file } = await loadConfiguration({
    file: options.file,
    flags: options.flags,
  });
  dropPrivileges(configuration.postgres.user, configuration.volume);
  return await new Agent(configuration, { ...options, file }).run(warnings.map((warning) => warning.message));
}

class Agent {
  #configuration: Configuration;
  readonly #options: RunOptions;
  #ha: HaSettings;

  constructor(configuration: Configuration, options: RunOptions) {
    this.#configuration = configuration;
    this.#options = options;
    this.#ha = haSettings(configuration);
  }

  async run(warnings: readonly string[]): Promise<number> {
    const configuration = this.#configuration;
    const { cluster, volume } = configuration;
    const log = createLogger({ member: cluster.memberName, level: configuration.log.level });
    for (const warning of warnings) log.warn({ event: 'configuration.warning' }, warning);
    const clock = systemClock;
    const now = (): Instant => clock.now();
    await mkdir(volume, { recursive: true, mode: 0o700 });

    const guard = new Guard({
      volume,
      dataDirectory: join(volume, 'data'),
      guardAfter: configuration.ha.guardAfter,
      log,
      onKilled: () => loop.wake(),
    });
    await guard.start();

    const { postgres, http } = configuration;
    const secrets = new Secrets({
      superuser: postgres.superuser.passwordFile,
      replication: postgres.replication.passwordFile,
      application: postgres.application.passwordFile,
      token: http.tokenFile,
    });
    secrets.refresh();
    const trust = new PeerTrust(http.tls.caFile);
    const binaries = await findBinaries(postgres.binDirectory);
    const postInitSql = [
      ...postgres.initdb.postInitSql,
      ...postgres.initdb.postInitSqlFiles.map((path) => readFileSync(path, 'utf8')),
    ];
    const instance = createPostgresInstance(
      instanceOptions(configuration, binaries, secrets, postInitSql),
      instanceSettings(configuration),
      { logger: log, clock },
    );

    let api: Api | null = null;
    let exitCode = 0;
    const wake = (): void => loop.wake();
    const lifetime = new Lifetime(log, () => {
      exitCode = 1;
      wishes.shutdown();
    });
    const tracker = new RecordTracker(now, wake);
    const wishes = new WishList(now, wake);
    const tasks = new Tasks(now, wake, (task, error) => {
      log.error(
        { event: 'task.failed', task: task.kind, of: task.of, err: error },
        `${task.kind} failed: ${task.error}`,
      );
      report.taskFailed(task);
    });
    const peers = new Peers({
      self: memberName(cluster.memberName),
      clock,
      token: () => secrets.recall('token'),
      tls: () => trust.tls,
      pingDeadline: () => this.#ha.suspectAfter,
      onChange: wake,
    });
    const hold = new Hold(`${cluster.memberName}/${cluster.podUID}/${randomBytes(8).toString('hex')}`);
    const context: Context = {
      self: memberName(cluster.memberName),
      cluster: cluster.name,
      clock,
      log,
      instance,
      tracker,
      peers,
      tasks,
      hold,
      wishes,
      promises: new Promises(wake),
      settings: () => this.#ha,
      api: () => api,
      recruitment: null,
      failedRecruitAt: null,
      wake,
      beginDemotion: () => {
        hold.beginDemotion();
        api?.keeper.revoke();
      },
      onDoorOpened: (view) => report.doorOpened(view),
      progress: (task, progress) => report.progressed(task, progress),
    };
    const observer = new Observer(context);
    const report = new Report({ context, configuration, binaries, guard });
    const loop = new Loop(context, observer, guard, report);
    instance.onChange(wake);

    const maintenance = join(volume, 'maintenance');
    let keepPostgres = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      log.info({ event: 'signal', signal }, `${signal}: a planned end`);
      const paused = tracker.current?.record.paused ?? false;
      if (paused && !isPod()) {
        keepPostgres = true;
        stop.abort();
      }
      wishes.shutdown();
    };
    const stop = new AbortController();
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    process.on('SIGHUP', () => void this.#reload(context, instance).catch(() => undefined));

    await instance.load();
    const adopt = existsSync(maintenance);
    await instance.clearOrphans({ adopt }, AbortSignal.timeout(60_000));
    await rm(maintenance, { force: true });

    const services = this.#bringUp({
      context,
      lifetime,
      report,
      secrets,
      trust,
      instance,
      setApi: (opened) => {
        api = opened;
      },
      reload: () => this.#reload(context, instance),
    });
    services.catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      log.error({ event: 'start.failed', err: error }, `The agent could not start: ${message}`);
      exitCode = 1;
      wishes.shutdown();
    });
    lifetime.start('pulse', (signal) => loop.pulse(signal));
    const grace = setInterval(() => {
      const since = wishes.view().shutdownSince;
      if (since === null || elapsed(since, now()) < this.#configuration.shutdown.grace) return;
      log.warn(
        { event: 'shutdown.overdue' },
        'The grace period is over: Postgres is stopped without a hand-over',
      );
      stop.abort();
    }, 500);

    try {
      await loop.run(stop.signal);
    } catch (error) {
      log.error({ event: 'loop.failed', err: error }, 'The loop failed: Postgres is stopped');
      exitCode = 1;
    }
    clearInterval(grace);
    // The order of the end: no more renewals; Postgres down and proven dead (the loop did that in a planned end);
    // then those who ask are refused, the API is left, and last the guard is told that there is nothing to kill.
    context.beginDemotion();
    await services.catch(() => undefined);
    await tasks.cancelAll();
    if (keepPostgres) await writeFile(maintenance, '');
    else if (instance.process.state !== 'stopped') await instance.stop('fast');
    await lifetime.end('http');
    await lifetime.end('chores');
    await lifetime.end('pulse');
    await lifetime.end('api');
    (api as Api | null)?.close();
    peers.close();
    await instance.close();
    await guard.release();
    log.info({ event: 'agent.ended', exitCode }, 'The agent ends');
    return exitCode;
  }

  /** What Postgres's start does not wait for. */
  async #bringUp(parts: import('./services.ts').ServiceParts): Promise<void> {
    const { bringUp } = await import('./services.ts');
    await bringUp(this.#configuration, parts);
  }

  /** Loads the configuration anew and applies what can be applied; a wrong one changes nothing. */
  async #reload(
    context: Context,
    instance: ReturnType<typeof createPostgresInstance>,
  ): Promise<{ readonly message: string }> {
    try {
      const { configuration } = await loadConfiguration(this.#options);
      const changes = diffConfiguration(this.#configuration, configuration);
      if (changes.length === 0) return { message: 'nothing changed' };
      const { pendingRestart } = await instance.applySettings(
        instanceSettings(configuration),
        AbortSignal.timeout(10_000),
      );
      this.#configuration = configuration;
      this.#ha = haSettings(configuration);
      context.wake();
      const needs = changes
        .filter((change) => change.effect === 'needs a restart of the agent')
        .map((change) => change.path);
      const message = [
        `${changes.length} settings changed: ${changes.map((change) => change.path).join(', ')}`,
        ...(needs.length > 0 ? [`a restart of the agent is needed for ${needs.join(', ')}`] : []),
        ...(pendingRestart.length > 0
          ? [`a restart of Postgres is needed for ${pendingRestart.join(', ')}`]
          : []),
      ].join('; ');
      context.log.info({ event: 'configuration.reloaded', changes, pendingRestart }, message);
      return { message };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      context.log.error(
        { event: 'configuration.refused', err: error },
        `The new configuration is refused: ${message}`,
      );
      throw error;
    }
  }
}

/** In a container the end of the agent is the end of everything in it. */
function isPod(): boolean {
  return process.env.KUBERNETES_SERVICE_HOST !== undefined || process.ppid === 1;
}
