import { join } from 'node:path';
import { Archiver, type ArchiveStatus } from '../../archive/archiver.ts';
import { Spool } from '../../archive/spool.ts';
import { answerPush, type WalAnswer } from '../../archive/wal/answers.ts';
import type { Permission } from '../../archive/wal/permit.ts';
import type { PushAnswer } from '../../archive/wal/pusher.ts';
import { segmentSizeOf } from '../../archive/wal/segment-size.ts';
import type { Configuration } from '../../config/configuration.ts';
import { elapsed, type Instant } from '../../ha/units.ts';
import type { View } from '../../ha/view.ts';
import { Wakeup } from '../../kubernetes/wakeup.ts';
import type { Context } from '../context.ts';
import { fetchableTimeline } from './fetchable.ts';
import { ArchiveReach } from './reach.ts';
import { archiveSettings } from './settings.ts';
import { StandbyFetch } from './standby-fetch.ts';

/**
 * Bounds in milliseconds. An answer comes before the local server takes its connection for dead (30 s without a byte:
 * `ServerLimits.idleTimeout`), and so before ask-agent.pl gives up (90 s): else the reason would not reach the log.
 */
export const ANSWER_WITHIN = 25_000;
/** While Postgres stops, its archiver is not to hold that up: not by one file, and not by many that succeed. */
const ANSWER_WHILE_STOPPING = 500;
const ARCHIVES_WHILE_STOPPING = 5_000;
const LOOK = 100;

export interface ArchiveServiceOptions {
  readonly configuration: Configuration;
  readonly context: Context;
  view(): View | null;
}

/** The archive as a part of the agent: what it may do comes from the loop's last view. */
export class ArchiveService {
  readonly #options: ArchiveServiceOptions;
  readonly #archiver: Archiver;
  readonly #fetch: StandbyFetch;
  readonly #reach = new ArchiveReach();
  readonly #walDirectory: string;
  #segmentBytes: number | null = null;
  /** Since when Postgres stops. */
  #stoppingSince: Instant | null = null;

  /** `configuration.archive.url` is given. */
  constructor(options: ArchiveServiceOptions) {
    this.#options = options;
    const { configuration, context } = options;
    const { volume, archive } = configuration;
    const spool = new Spool(volume);
    const segmentBytes = (): number | null => this.#segmentBytes;
    this.#walDirectory = join(volume, 'data', 'pg_wal');
    this.#archiver = new Archiver({
      settings: archiveSettings(archive),
      spool,
      walDirectory: this.#walDirectory,
      identity: () => this.#identity(),
      permission: () => this.#permission(),
      segmentBytes,
      parallel: archive.parallel,
      tailInterval: archive.tail ? archive.tailInterval : null,
      log: (level, event, message, details) => context.log[level]({ event, ...details }, message),
      sleeper: new Wakeup(),
    });
    this.#fetch = new StandbyFetch({
      archiver: this.#archiver,
      spool,
      segmentBytes,
      fetchable: () => {
        const view = options.view();
        return view === null ? null : fetchableTimeline(view);
      },
      log: context.log,
    });
  }

  status(): ArchiveStatus {
    return this.#archiver.status();
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#archiver.run(signal, async () => {
        this.#segmentBytes ??= await segmentSizeOf(this.#walDirectory);
        await this.#fetch.look();
      });
    } finally {
      this.#fetch.close();
    }
  }

  /** For archive_command. While Postgres stops it is told soon, and told not to try again. */
  async push(file: string, gone: AbortSignal): Promise<WalAnswer> {
    const ended = new AbortController();
    const signal = AbortSignal.any([gone, ended.signal, AbortSignal.timeout(ANSWER_WITHIN)]);
    const watch = setInterval(() => {
      const since = this.#stopping();
      if (since !== null && this.#elapsed(since) >= ANSWER_WHILE_STOPPING) ended.abort();
    }, LOOK);
    try {
      return await answerPush(file, async (name): Promise<PushAnswer> => {
        const answer = await this.#archiver.push(name, signal);
        return answer.done || this.#stopping() === null ? answer : { ...answer, giveUp: true };
      });
    } finally {
      clearInterval(watch);
    }
  }

  /** For restore_command of a standby. */
  fetch(file: string, gone: AbortSignal): Promise<WalAnswer> {
    return this.#fetch.fetch(file, gone);
  }

  #permission(): Permission {
    const { view: latest, context } = this.#options;
    const view = latest();
    if (view === null) return { reach: null, reason: 'the agent starts', follows: null };
    const since = this.#stopping();
    if (since !== null && this.#elapsed(since) >= ARCHIVES_WHILE_STOPPING)
      return { reach: null, reason: 'Postgres stops: the next primary archives what is left', follows: null };
    return this.#reach.judge(view, context.clock.now());
  }

  #stopping(): Instant | null {
    const { instance, clock } = this.#options.context;
    if (instance.process.state !== 'stopping') this.#stoppingSince = null;
    else this.#stoppingSince ??= clock.now();
    return this.#stoppingSince;
  }

  #elapsed(since: Instant): number {
    return elapsed(since, this.#options.context.clock.now());
  }

  #identity() {
    const seen = this.#options.view();
    const record = seen?.record.lastValid;
    if (seen === null || record === null || record === undefined) return null;
    const { systemIdentifier } = seen.local;
    if (systemIdentifier === '' || record.clusterUID === '') return null;
    return { clusterUID: record.clusterUID, generation: record.generation, systemIdentifier };
  }
}
