import type { Configuration } from '../config/configuration.ts';
import type { Decision } from '../ha/decision.ts';
import { memberOf } from '../ha/member.ts';
import type { HistoryEntry, MemberRecord } from '../ha/record.ts';
import { elapsed, type Instant, type Millis, millis } from '../ha/units.ts';
import type { Task, View } from '../ha/view.ts';
import type { ArchiveReport } from '../http/archive-report.ts';
import type { BackupReport } from '../http/backup-report.ts';
import type { CatalogReport } from '../http/catalog-report.ts';
import type { GuardState, Metrics } from '../http/metrics.ts';
import type { ClusterStatus, MemberStatus, Progress } from '../http/ports.ts';
import type { Binaries } from '../postgres/find-binaries.ts';
import type { WorkProgress } from '../postgres/ports.ts';
import { archiveProblems } from './archive/report.ts';
import type { Chores } from './chores.ts';
import { clusterStatus } from './cluster-status.ts';
import type { Context } from './context.ts';
import { AgentStateError } from './errors.ts';
import type { AgentLog } from './logger.ts';
import type { RoundObserver } from './loop.ts';
import { catalogProblems } from './retention/problems.ts';
import { memberStatus, roleOf } from './status.ts';
import { TakeoverTimes } from './takeover-times.ts';
import { VERSION } from './version.ts';

export interface ReportOptions {
  readonly context: Context;
  readonly configuration: Configuration;
  readonly binaries: Binaries;
  readonly log: Pick<AgentLog, 'setEpoch'>;
  readonly guard: { readonly isGuarding: boolean; readonly deadline: Instant | null };
}

/** What comes once the services are loaded. */
interface Attached {
  readonly chores: Chores;
  /** Null: there is no archive. */
  archive(): ArchiveReport | null;
  backup(): BackupReport | null;
  catalog(): CatalogReport | null;
  readonly address: Omit<MemberRecord, 'incarnation' | 'systemIdentifier' | 'floor' | 'tags'>;
}

/** How long a liveness look may hang, in milliseconds: no view at all for so long means that the loop is stuck. */
const STUCK = 60_000;

/** What this agent tells: status, probes, metrics, Events; all from the last view, so that nobody waits. */
export class Report implements RoundObserver {
  readonly #options: ReportOptions;
  #attached: Attached | null = null;
  #metrics: Metrics | null = null;
  #view: View | null = null;
  #decision: MemberStatus['lastDecision'] = {
    kind: 'wait',
    reason: 'the agent starts',
    at: new Date().toISOString(),
  };
  #problem: MemberStatus['problems'][number] | null = null;
  #failures = new Map<Task['kind'], MemberStatus['problems'][number]>();
  #progress: Progress | null = null;
  #apiSeen: string | null = null;
  #role: string | null = null;
  #started: { readonly at: Instant; readonly text: string } | null = null;
  /** When this standby last streamed, or replayed something. */
  #progressAt: Instant | null = null;
  #replayed: string | null = null;
  #member: string | null = null;
  readonly #takeover = new TakeoverTimes();
  readonly #firstView = Promise.withResolvers<void>();

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  /** Fulfilled by the first look: from then on every question has an answer. */
  get firstView(): Promise<void> {
    return this.#firstView.promise;
  }

  get view(): View | null {
    return this.#view;
  }

  /** Settings that wait for a restart of Postgres. */
  get pendingRestart(): readonly string[] {
    return this.#attached?.chores.pendingRestart ?? [];
  }

  requireView(): View {
    if (this.#view === null) throw new AgentStateError('asked for a view before the first look');
    return this.#view;
  }

  measure(metrics: Metrics): void {
    this.#metrics = metrics;
  }

  attach(attached: Attached): void {
    this.#attached = attached;
  }

  onView(view: View): void {
    this.#view = view;
    this.#firstView.resolve();
    this.#options.log.setEpoch(view.record.current?.record.epoch ?? null);
    if (view.record.apiReachable) this.#apiSeen = new Date().toISOString();
    for (const task of view.tasks) {
      if (task.outcome === 'done') this.#failures.delete(task.kind);
    }
    const running = view.tasks.some(
      (task) => task.outcome === 'running' && task.kind === this.#progress?.task,
    );
    if (!running) this.#progress = null;
    this.#noticeProgress(view);
    this.#noticeRole(view);
    this.#noticeMember(view);
  }

  onDecision(decision: Decision, view: View): void {
    if (decision.kind !== this.#decision.kind || decision.reason !== this.#decision.reason) {
      this.#decision = { kind: decision.kind, reason: decision.reason, at: new Date().toISOString() };
    }
    this.#metrics?.decided(decision.kind);
    this.#problem =
      decision.kind === 'problem'
        ? { code: decision.code, message: decision.reason, remedy: decision.remedy }
        : null;
    this.#takeover.decided(decision, view, this.#metrics);
  }

  onRound(duration: Millis): void {
    this.#metrics?.loopRan(duration);
  }

  taskFailed(task: Task): void {
    this.#failures.set(task.kind, {
      code: `TASK_${task.kind.toUpperCase().replaceAll('-', '_')}`,
      message: `${task.kind} failed: ${task.error}`,
      remedy: 'it is tried again by itself; the log says more',
    });
    this.#metrics?.taskEnded(task.kind, 'failed', this.#sinceStart(task));
  }

  progressed(task: string, report: WorkProgress): void {
    const startedAt = this.#progress?.task === task ? this.#progress.startedAt : new Date().toISOString();
    this.#progress = {
      task,
      startedAt,
      fraction: report.total === null || report.total === 0 ? null : Math.min(1, report.done / report.total),
      rate: report.rate ?? null,
      remaining: report.remaining ?? null,
      detail: report.detail,
    };
  }

  doorOpened(view: View): void {
    const { context } = this.#options;
    if (view.local.state !== 'primary') return;
    this.#takeover.opened(context.clock.now(), this.#metrics);
    const api = context.api();
    void api?.announcer.labelRole(view.self, 'primary');
    const before = view.record.current?.record.history.at(-2)?.primary ?? null;
    if (before !== null && memberOf(before) !== view.self)
      void api?.announcer.unlabelPrimary(memberOf(before));
    this.#attached?.chores.wake();
  }

  status(): MemberStatus {
    const view = this.requireView();
    const { context, configuration, binaries } = this.#options;
    const { process } = context.instance;
    const now = context.clock.now();
    // One that is about to stop would look like one that was just started.
    const startedAt = process.state === 'running' ? process.since : null;
    const archive = this.#attached?.archive() ?? null;
    const backup = this.#attached?.backup() ?? null;
    const catalog = this.#attached?.catalog() ?? null;
    return memberStatus(view, now, {
      cluster: context.cluster,
      namespace: configuration.cluster.namespace,
      version: VERSION,
      postgresVersion: binaries.version,
      postgresVersionNumber: versionNumber(binaries),
      postgresPid: process.state === 'stopped' ? null : process.pid,
      postmasterStartedAt: this.#wallClockOf(startedAt, now),
      pendingRestart: this.pendingRestart,
      apiLastSeen: this.#apiSeen,
      lastDecision: this.#decision,
      progress: this.#progress,
      archive,
      backup,
      catalog,
      problems: [
        ...(this.#problem === null ? [] : [this.#problem]),
        ...this.#failures.values(),
        ...(archive === null ? [] : archiveProblems(archive)),
        ...(backup?.last?.error == null ? [] : [backup.last.error]),
        ...(catalog === null ? [] : catalogProblems(catalog)),
      ],
    });
  }

  /** The time of an instant for people; the same for the same instant, whatever the wall clock does later. */
  #wallClockOf(at: Instant | null, now: Instant): string | null {
    if (at === null) return null;
    if (this.#started?.at !== at) {
      this.#started = { at, text: new Date(Date.now() - (now - at)).toISOString() };
    }
    return this.#started.text;
  }

  cluster(): ClusterStatus {
    const view = this.requireView();
    const { context } = this.#options;
    const own = this.status();
    const address: MemberRecord = {
      ...(this.#attached?.address ?? {
        member: context.self,
        host: '',
        postgresPort: 0,
        httpPort: 0,
        https: false,
      }),
      incarnation: null,
      systemIdentifier: '',
      floor: null,
      tags: own.tags,
    };
    return clusterStatus(view, context.clock.now(), own, address, this.#apiSeen);
  }

  history(): readonly HistoryEntry[] {
    const record = this.#view?.record.current?.record ?? this.#view?.record.lastValid ?? null;
    return record?.history ?? [];
  }

  probe(kind: 'startup' | 'ready' | 'live'): { readonly ok: boolean; readonly reason: string } {
    const view = this.#view;
    if (view === null) return { ok: false, reason: 'the agent has not looked at Postgres yet' };
    switch (kind) {
      case 'startup':
        return { ok: true, reason: 'the agent is up' };
      case 'live': {
        // Only what a restart of the container can mend: a loop that no longer turns.
        const stuck = elapsed(view.now, this.#options.context.clock.now()) > STUCK;
        return stuck
          ? { ok: false, reason: 'the loop is stuck' }
          : { ok: true, reason: 'the agent is alive' };
      }
      case 'ready':
        return this.#ready(view);
    }
  }

  refreshMetrics(): void {
    if (this.#metrics === null || this.#view === null) return;
    const { context, guard } = this.#options;
    const sample = this.#attached?.chores.sample() ?? null;
    const state: GuardState = !guard.isGuarding ? 'absent' : guard.deadline === null ? 'idle' : 'armed';
    this.#metrics.updateFromStatus(this.status(), this.cluster(), {
      sample: sample?.value ?? null,
      sampleAge: sample?.age ?? null,
      guard: state,
      guardMargin: guard.deadline === null ? null : millis(guard.deadline - context.clock.now()),
    });
  }

  #ready(view: View): { readonly ok: boolean; readonly reason: string } {
    const role = roleOf(view);
    const { server } = view.local;
    if (role === 'primary') {
      return server?.doorOpen === true
        ? { ok: true, reason: 'primary' }
        : { ok: false, reason: 'the door is closed' };
    }
    if (role !== 'standby' || server === null)
      return { ok: false, reason: `Postgres is ${view.local.state}` };
    const { stuckAfter } = view.settings;
    const still = elapsed(this.#progressAt, this.#options.context.clock.now());
    if (still > stuckAfter)
      return { ok: false, reason: `it has made no progress for ${Math.round(still / 1000)} s` };
    return server.doorOpen ? { ok: true, reason: 'standby' } : { ok: false, reason: 'the door is closed' };
  }

  #noticeProgress(view: View): void {
    const { server } = view.local;
    if (server === null) return;
    const moved = this.#replayed !== null && this.#replayed !== server.replayLsn;
    this.#replayed = server.replayLsn;
    if (moved || server.receiver?.streaming === true) this.#progressAt = view.now;
  }

  /** What the member's Lease says changed: the others wait for it. */
  #noticeMember(view: View): void {
    const { data, identity, floor, systemIdentifier } = view.local;
    const member = JSON.stringify([data, identity, floor, systemIdentifier, view.members.length]);
    if (member === this.#member) return;
    this.#member = member;
    this.#attached?.chores.wake();
  }

  /** A role that changed is an Event and a line of the log. */
  #noticeRole(view: View): void {
    const role = roleOf(view);
    if (role === this.#role) return;
    const before = this.#role;
    this.#role = role;
    if (before === null && role === 'none') return;
    const { context } = this.#options;
    const epoch = view.record.current?.record.epoch ?? 0;
    const message =
      role === 'primary'
        ? `${view.self} is the primary of epoch ${epoch}`
        : role === 'standby'
          ? `${view.self} is a standby of ${view.record.current?.record.primary ?? 'nobody yet'}`
          : `${view.self} serves nobody: Postgres is ${view.local.state}`;
    context.log.info({ event: 'role.changed', role, before, epoch }, message);
    const reason = role === 'primary' ? 'BecamePrimary' : role === 'standby' ? 'BecameStandby' : 'LostRole';
    void context.api()?.announcer.event({ type: role === 'none' ? 'Warning' : 'Normal', reason, message });
    this.#attached?.chores.wake();
  }

  #sinceStart(task: Task): Millis {
    return elapsed(task.startedAt, this.#options.context.clock.now());
  }
}

function versionNumber({ major, version }: Binaries): number {
  const minor = /^\d+\.(\d+)/.exec(version)?.[1];
  return major * 10_000 + Number(minor ?? 0);
}
