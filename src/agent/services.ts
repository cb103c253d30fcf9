import { Registry } from 'prom-client';
import type { Configuration } from '../config/configuration.ts';
import { written } from '../config/show.ts';
import { type MemberName, memberName } from '../ha/member.ts';
import { millis } from '../ha/units.ts';
import { createMetrics } from '../http/metrics.ts';
import { catalogMetrics } from '../http/metrics-catalog.ts';
import { queriesMetrics } from '../http/metrics-queries.ts';
import type { AgentPort, ControlResult } from '../http/ports.ts';
import { HttpServer } from '../http/server.ts';
import type { Binaries } from '../postgres/find-binaries.ts';
import type { LocalInstance } from '../postgres/instance.ts';
import { type Api, openApi } from './api.ts';
import { openArchiveService } from './archive/open.ts';
import { archiveReport } from './archive/report.ts';
import { NO_ARCHIVE, openBackupService } from './backup/open.ts';
import { Chores } from './chores.ts';
import type { Context } from './context.ts';
import { createControl } from './control.ts';
import { forwardTo } from './forward.ts';
import { holdFor } from './hold-promise.ts';
import type { Lifetime } from './lifetime.ts';
import { peerState } from './peer-state.ts';
import type { PeerTrust } from './peer-trust.ts';
import { RecoveryControl } from './recovery/control.ts';
import type { Report } from './report.ts';
import { NO_CATALOG, openCatalogService } from './retention/open.ts';
import { Rollout } from './rollout.ts';
import type { Secrets } from './secrets.ts';
import { roleToAsk } from './sql-metrics/role-to-ask.ts';
import { SqlMetrics } from './sql-metrics/service.ts';
import { refuseTakenName } from './taken-name.ts';
import { type CertificateParts, watchCertificate } from './watch-certificate.ts';
import { watchConfiguration } from './watch-configuration.ts';

/** The longest that the primary may take to plan a recovery in place, in milliseconds. */
const RECOVERY_PLAN = 29_000;

export interface ServiceParts {
  readonly context: Context;
  readonly lifetime: Lifetime;
  readonly report: Report;
  readonly secrets: Secrets;
  readonly trust: PeerTrust;
  readonly instance: LocalInstance;
  readonly binaries: Binaries;
  /** The file that the configuration was read from; null: none. */
  readonly file: string | null;
  /** The certificate of Postgres. */
  readonly certificate: Pick<CertificateParts, 'files' | 'refresh'>;
  rollout(): Configuration['cluster']['rollout'];
  metrics(): Configuration['metrics'];
  /** Calls `listener` after every exchange of the configuration. */
  onReload(listener: () => void): void;
  setApi(api: Api): void;
  reload(): Promise<{ readonly message: string }>;
}

/** Loads and starts what Postgres's start does not wait for: the API client, peers, HTTP, chores. */
export async function bringUp(configuration: Configuration, parts: ServiceParts): Promise<void> {
  const { context, lifetime, report, secrets, trust, instance } = parts;
  const { http, advertise, cluster } = configuration;
  const registry = new Registry();
  const metrics = createMetrics(registry);
  report.measure(metrics);
  context.peers.onCall = (call, outcome, duration) => metrics.peerCall(call, outcome, duration);

  const address = {
    member: memberName(cluster.memberName),
    host: advertise.host,
    postgresPort: advertise.port,
    httpPort: http.advertisedPort,
    https: http.tls.certificateFile !== null,
  };
  const api = await openApi(configuration, context, context.clock, (verb, resource, code, duration) =>
    metrics.kubernetesCall(verb, resource, code, millis(duration)),
  );
  const chores = new Chores({ context, instance, secrets, trust, address, view: () => report.view });
  const archive = await openArchiveService(configuration, context, () => report.view);
  const backups = await openBackupService(configuration, {
    context,
    view: () => report.view,
    superuserPassword: () => secrets.read('superuser'),
    access: () => ({ token: secrets.recall('token'), tls: trust.tls }),
  });
  const catalog = await openCatalogService(configuration, {
    context,
    view: () => report.view,
    access: () => ({ token: secrets.recall('token'), tls: trust.tls }),
    newestBackup: () => backups?.report().newest?.name ?? null,
  });
  const catalogGauges = catalogMetrics(registry);
  const sqlMetrics = new SqlMetrics({
    postgres: configuration.postgres,
    settings: parts.metrics,
    superuserPassword: () => secrets.read('superuser'),
    sharedSecret: () => secrets.read('replication'),
    role: () => roleToAsk(report.view),
    clock: context.clock,
    log: context.log,
  });
  const queryGauges = queriesMetrics(registry);
  parts.onReload(() => sqlMetrics.wake());
  report.attach({
    chores,
    address,
    archive: () => (archive === null ? null : archiveReport(archive.status())),
    backup: () => backups?.report() ?? null,
    catalog: () => catalog?.report() ?? null,
  });

  const control = createControl({
    context,
    view: () => report.view,
    pendingRestart: () => report.pendingRestart,
    reload: parts.reload,
    forward: (member: MemberName, path: string, body: unknown): Promise<ControlResult> =>
      forwardTo(context, member, path, body, { token: secrets.recall('token'), tls: trust.tls }),
  });
  const recovery = new RecoveryControl({
    configuration,
    binaries: parts.binaries,
    context,
    view: () => report.view,
    forward: (member, path, body) =>
      forwardTo(
        context,
        member,
        path,
        body,
        { token: secrets.recall('token'), tls: trust.tls },
        RECOVERY_PLAN,
      ),
  });
  const port: AgentPort = {
    registry,
    control,
    recovery,
    backups: backups ?? { start: async () => NO_ARCHIVE, switchWal: async () => NO_ARCHIVE },
    catalog: catalog ?? NO_CATALOG,
    status: () => report.status(),
    cluster: () => report.cluster(),
    history: () => report.history(),
    configuration: () => written(configuration),
    probe: (kind) => report.probe(kind),
    peerState: () => peerState(report.requireView(), context.clock.now(), context.peers.views()),
    promise: (request, signal) => context.promises.ask(request, signal),
    lead: (request) => context.wishes.lead(request.epoch),
    hold: (request) => holdFor(context, report.view, request),
    pooler: (name, holds) => context.poolers.heard(name, holds),
    archivePush: async (file, gone) =>
      archive === null ? { status: 503, text: 'there is no archive' } : await archive.push(file, gone),
    archiveFetch: async (file, gone) =>
      archive === null ? { status: 503, text: 'there is no archive' } : await archive.fetch(file, gone),
  };
  const { tls } = http;
  const server = new HttpServer(port, {
    host: http.listenHost,
    port: http.port,
    socketPath: configuration.socket,
    tls:
      tls.certificateFile === null || tls.keyFile === null
        ? null
        : { certificate: tls.certificateFile, key: tls.keyFile },
    token: () => secrets.recall('token'),
    metrics,
    refreshMetrics: () => {
      report.refreshMetrics();
      catalogGauges.update(catalog?.report() ?? null, Date.now());
      queryGauges.update(sqlMetrics.report());
    },
    moreMetrics: () => sqlMetrics.text(),
    log: (level, event, details) => context.log[level]({ event, ...details }, event),
  });
  await report.firstView;
  if (archive !== null) lifetime.start('archive', (signal) => archive.run(signal));
  if (backups !== null) lifetime.start('backup', (signal) => backups.run(signal));
  if (catalog !== null) lifetime.start('catalog', (signal) => catalog.run(signal));
  lifetime.start('http', (signal) => server.run(signal));
  await server.listening;

  await refuseTakenName(api.store, address, secrets.recall('token'), trust);
  parts.setApi(api);
  lifetime.start('api', (signal) => api.run(signal));
  lifetime.start('peers', async (signal) => context.peers.start(signal));
  lifetime.start('chores', (signal) => chores.run(signal));
  lifetime.start('metrics', (signal) => sqlMetrics.run(signal));
  const rollout = new Rollout({
    workload: api.workload,
    announcer: api.announcer,
    clock: context.clock,
    log: context.log,
    view: () => report.view,
    mode: parts.rollout,
  });
  lifetime.start('rollout', (signal) => rollout.run(signal));
  lifetime.start('certificate', (signal) =>
    watchCertificate({ ...parts.certificate, clock: context.clock, log: context.log }, signal),
  );
  const { file } = parts;
  if (file !== null)
    lifetime.start('configuration', (signal) =>
      watchConfiguration(file, parts.reload, context.clock, signal),
    );
  context.wake();
}
