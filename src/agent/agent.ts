import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Loaded, Origins } from '../config/load.ts';
import { memberName } from '../ha/member.ts';
import { elapsed, type Instant, millis } from '../ha/units.ts';
import { systemClock } from '../kubernetes/clock.ts';
import { type Binaries, findBinaries } from '../postgres/find-binaries.ts';
import { createPostgresInstance, type LocalInstance } from '../postgres/instance.ts';
import type { Api } from './api.ts';
import { prepareArchiveCommands } from './archive/command.ts';
import { keepingWal } from './archive/keeping.ts';
import type { Context } from './context.ts';
import { Guard } from './guard.ts';
import { Hold } from './hold.ts';
import { Lifetime } from './lifetime.ts';
import { LiveSettings } from './live-settings.ts';
import { type AgentLog, createLogger } from './logger.ts';
import { Loop } from './loop.ts';
import { Observer } from './observe.ts';
import { PeerTrust } from './peer-trust.ts';
import { Peers } from './peers.ts';
import { Poolers } from './poolers.ts';
import { Promises } from './promises.ts';
import { RecordTracker } from './record-tracker.ts';
import { bootstrapOf } from './recovery/bootstrap.ts';
import { recoveryInPlace } from './recovery/in-place.ts';
import { recordWord } from './recovery/record-word.ts';
import { Report } from './report.ts';
import { Secrets } from './secrets.ts';
import { instanceOptions, instanceSettings } from './settings.ts';
import { Tasks } from './tasks.ts';
import { WishList } from './wishes.ts';

/** Bounds in milliseconds. */
const CLEAR_ORPHANS = 60_000;
const FLUSH_LOG = 1_000;
const GRACE_LOOK = 500;

/**
 * One member's life: the guard, Postgres, the loop; then what is heavier to load. Resolves with the exit code once
 * everything is down (or, under a pause outside of a pod, Postgres is left for the next agent).
 *
 * @throws AgentError, PostgresError where it cannot begin; nothing was changed then
 */
export async function runMember(loaded: Loaded, origins: Origins): Promise<number> {
  const { configuration } = loaded;
  const { cluster, volume } = configuration;
  const log = createLogger({ member: cluster.memberName, level: configuration.log.level });
  for (const warning of loaded.warnings) log.warn({ event: 'configuration.warning' }, warning.message);
  await mkdir(volume, { recursive: true, mode: 0o700 });
  const end = new End();
  const guard = new Guard({
    volume,
    dataDirectory: join(volume, 'data'),
    guardAfter: configuration.ha.guardAfter,
    log,
    onKilled: () => end.wake(),
    // Nobody would stop Postgres if this process froze: it leaves while it can.
    onUnguarded: () => end.because(1),
  });
  // Both launch a process: at the same time, for Postgres waits for both.
  const binaries = findBinaries(configuration.postgres.binDirectory);
  binaries.catch(() => undefined); // Told below, if the guard starts.
  await guard.start();
  try {
    return await live(new LiveSettings(loaded, origins), await binaries, guard, end, log);
  } finally {
    await guard.release();
    await log.flush(millis(FLUSH_LOG));
  }
}

/** How the agent is told to end: whoever notices first. The parts that carry it out come later. */
class End {
  exitCode = 0;
  /** Ends the loop at once; Postgres is stopped without a hand-over. */
  readonly now = new AbortController();
  #wishes: WishList | null = null;
  #loop: Loop | null = null;

  attach(wishes: WishList, loop: Loop): void {
    this.#wishes = wishes;
    this.#loop = loop;
    if (this.exitCode !== 0) wishes.shutdown();
  }

  wake(): void {
    this.#loop?.wake();
  }

  because(exitCode: number): void {
    this.exitCode ||= exitCode;
    this.#wishes?.shutdown();
  }
}

async function live(
  settings: LiveSettings,
  binaries: Binaries,
  guard: Guard,
  end: End,
  log: AgentLog,
): Promise<number> {
  const { configuration } = settings;
  const { cluster, volume, postgres, http } = configuration;
  const self = memberName(cluster.memberName);
  const clock = systemClock;
  const now = (): Instant => clock.now();
  const wake = (): void => end.wake();

  const secrets = new Secrets({
    superuser: postgres.superuser.passwordFile,
    replication: postgres.replication.passwordFile,
    application: postgres.application.passwordFile,
    token: http.tokenFile,
  });
  secrets.refresh();
  const trust = new PeerTrust(http.tls.caFile);
  const postInitSql = [
    ...postgres.initdb.postInitSql,
    ...postgres.initdb.postInitSqlFiles.map((path) => readFileSync(path, 'utf8')),
  ];
  const archiveCommands = await prepareArchiveCommands(configuration);
  const instance = createPostgresInstance(
    instanceOptions(configuration, binaries, secrets, postInitSql, archiveCommands),
    instanceSettings(configuration),
    { logger: log, clock },
  );

  let api: Api | null = null;
  const lifetime = new Lifetime(log, () => end.because(1));
  const hold = new Hold(`${self}/${cluster.podUID}/${randomBytes(8).toString('hex')}`);
  const context: Context = {
    self,
    cluster: cluster.name,
    clock,
    log,
    instance,
    tracker: new RecordTracker(now, wake),
    peers: new Peers({
      self,
      clock,
      token: () => secrets.recall('token'),
      tls: () => trust.tls,
      pingDeadline: () => settings.ha.suspectAfter,
      onChange: wake,
    }),
    poolers: new Poolers(clock),
    tasks: new Tasks(now, wake, (task, error) => {
      log.error(
        { event: 'task.failed', task: task.kind, of: task.of, err: error },
        `${task.kind} failed: ${task.error}`,
      );
      report.taskFailed(task);
    }),
    hold,
    wishes: new WishList(now, wake),
    promises: new Promises(wake),
    bootstrap: bootstrapOf({ configuration, binaries, log }),
    recoverTo: recoveryInPlace(
      { configuration, binaries, log },
      recordWord(() => context),
    ),
    keepWal: keepingWal(configuration, log),
    settings: () => settings.ha,
    api: () => api,
    recruitment: null,
    failedRecruitAt: null,
    volumeWasFull: false,
    wake,
    beginDemotion: () => {
      hold.beginDemotion();
      api?.keeper.revoke();
    },
    onDoorOpened: (view) => {
      context.poolers.release();
      report.doorOpened(view);
    },
    progress: (task, progress) => report.progressed(task, progress),
  };
  const report = new Report({ context, configuration, binaries, guard, log });
  const loop = new Loop(context, new Observer(context), guard, report);
  instance.onChange(wake);
  end.attach(context.wishes, loop);

  const maintenance = join(volume, 'maintenance');
  let onReload: (() => void) | null = null;
  const reload = async (): Promise<{ readonly message: string }> => {
    const told = await settings.reload(instance, log);
    log.setLevel(settings.configuration.log.level);
    wake();
    onReload?.();
    return told;
  };
  listen(context, log, reload);

  await instance.load();
  context.tracker.recall(instance.seen);
  await instance.clearOrphans({ adopt: existsSync(maintenance) }, AbortSignal.timeout(CLEAR_ORPHANS));
  await rm(maintenance, { force: true });

  // Loaded beside the first rounds of the loop, which launch Postgres.
  const services = import('./services.ts').then(({ bringUp }) =>
    bringUp(configuration, {
      context,
      lifetime,
      report,
      secrets,
      trust,
      instance,
      binaries,
      file: settings.file,
      certificate: {
        files: () => settings.configuration.postgres.tls,
        refresh: () => settings.refresh(instance),
      },
      rollout: () => settings.configuration.cluster.rollout,
      metrics: () => settings.configuration.metrics,
      onReload: (listener) => {
        onReload = listener;
      },
      setApi: (opened) => {
        api = opened;
      },
      reload,
    }),
  );
  services.catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    log.error({ event: 'start.failed', err: error }, `The agent could not start: ${message}`);
    end.because(1);
  });
  lifetime.start('pulse', (signal) => loop.pulse(signal));
  lifetime.start('grace', (signal) => watchGrace(context, settings, end, signal));
  let leavesPostgres = false;
  try {
    const exit = await loop.run(end.now.signal);
    leavesPostgres = exit?.leavesPostgres ?? false;
  } catch (error) {
    log.error({ event: 'loop.failed', err: error }, 'The loop failed: Postgres is stopped');
    end.exitCode = 1;
  }

  // The order of the end: no more renewals; Postgres down and proven dead (in a planned end the loop did that); then
  // whoever asks is refused, and the API is left. Last of all, the caller tells the guard that nothing is to be killed.
  context.beginDemotion();
  await services.catch(() => undefined);
  await context.tasks.cancelAll();
  await leavePostgres(instance, leavesPostgres ? maintenance : null);
  // Postgres archives to its very end.
  for (const name of [
    'http',
    'catalog',
    'backup',
    'archive',
    'metrics',
    'chores',
    'configuration',
    'certificate',
  ] as const)
    await lifetime.end(name);
  for (const name of ['rollout', 'grace', 'pulse', 'api'] as const) await lifetime.end(name);
  (api as Api | null)?.close();
  context.peers.close();
  await instance.close();
  log.info({ event: 'agent.ended', exitCode: end.exitCode }, 'The agent ends');
  return end.exitCode;
}

/** Postgres is stopped, or left running for the next agent, which finds the mark. */
async function leavePostgres(instance: LocalInstance, mark: string | null): Promise<void> {
  if (mark !== null) await writeFile(mark, '');
  else if (instance.process.state !== 'stopped') await instance.stop('fast');
}

/** SIGTERM and SIGINT: a planned end. SIGHUP: the configuration is read again. */
function listen(context: Context, log: AgentLog, reload: () => Promise<unknown>): void {
  const onEnd = (signal: NodeJS.Signals): void => {
    log.info({ event: 'signal', signal }, `${signal}: a planned end`);
    context.wishes.shutdown({ mayLeavePostgres: !isPod() });
  };
  process.on('SIGTERM', onEnd);
  process.on('SIGINT', onEnd);
  // A refused configuration is logged by then, and changes nothing.
  process.on('SIGHUP', () => void reload().catch(() => undefined));
}

/** A planned end that takes longer than its grace becomes an unplanned one, while there is time to stop Postgres. */
async function watchGrace(
  context: Context,
  settings: LiveSettings,
  end: End,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await context.clock.sleep(millis(GRACE_LOOK), signal);
    const since = context.wishes.view().shutdownSince;
    if (since === null || elapsed(since, context.clock.now()) < settings.configuration.shutdown.grace)
      continue;
    context.log.warn(
      { event: 'shutdown.overdue' },
      'The grace is over: Postgres is stopped without a hand-over',
    );
    end.now.abort();
    return;
  }
}

/** In a container the end of the agent is the end of everything in it. */
function isPod(): boolean {
  return process.env.KUBERNETES_SERVICE_HOST !== undefined || process.ppid === 1;
}
