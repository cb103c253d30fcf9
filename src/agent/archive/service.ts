import { join } from 'node:path';
import { Archiver, type ArchiveStatus } from '../../archive/archiver.ts';
import { Spool } from '../../archive/spool.ts';
import { answerPush, type WalAnswer } from '../../archive/wal/answers.ts';
import type { PushAnswer } from '../../archive/wal/pusher.ts';
import { segmentSizeOf } from '../../archive/wal/segment-size.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { View } from '../../ha/view.ts';
import { Wakeup } from '../../kubernetes/wakeup.ts';
import type { Context } from '../context.ts';
import { ArchiveReach } from './reach.ts';
import { archiveSettings } from './settings.ts';

/** Bounds in milliseconds. */
const ANSWER_WITHIN = 60_000;
/** While Postgres stops, its archiver is not to hold that up. */
const ANSWER_WHILE_STOPPING = 500;
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
  readonly #reach = new ArchiveReach();
  readonly #walDirectory: string;
  #segmentBytes: number | null = null;

  /** `configuration.archive.url` is given. */
  constructor(options: ArchiveServiceOptions) {
    this.#options = options;
    const { configuration, context } = options;
    const { volume, archive } = configuration;
    this.#walDirectory = join(volume, 'data', 'pg_wal');
    this.#archiver = new Archiver({
      settings: archiveSettings(archive),
      spool: new Spool(volume),
      walDirectory: this.#walDirectory,
      identity: () => this.#identity(),
      permission: () => {
        const view = options.view();
        return view === null
          ? { reach: null, reason: 'the agent starts', follows: null }
          : this.#reach.judge(view, context.clock.now());
      },
      segmentBytes: () => this.#segmentBytes,
      parallel: archive.parallel,
      tailInterval: archive.tail ? archive.tailInterval : null,
      log: (level, event, message, details) => context.log[level]({ event, ...details }, message),
      sleeper: new Wakeup(),
    });
  }

  status(): ArchiveStatus {
    return this.#archiver.status();
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#archiver.run(signal, async () => {
      this.#segmentBytes ??= await segmentSizeOf(this.#walDirectory);
    });
  }

  /** For archive_command. While Postgres stops it is told soon, and told not to try again. */
  async push(file: string, gone: AbortSignal): Promise<WalAnswer> {
    const { instance } = this.#options.context;
    const ended = new AbortController();
    const signal = AbortSignal.any([gone, ended.signal, AbortSignal.timeout(ANSWER_WITHIN)]);
    const isStopping = (): boolean => instance.process.state === 'stopping';
    let stoppedAt: number | null = null;
    const watch = setInterval(() => {
      if (!isStopping()) return;
      stoppedAt ??= performance.now();
      if (performance.now() - stoppedAt >= ANSWER_WHILE_STOPPING) ended.abort();
    }, LOOK);
    try {
      return await answerPush(file, async (name): Promise<PushAnswer> => {
        const answer = await this.#archiver.push(name, signal);
        return answer.done || !isStopping() ? answer : { ...answer, giveUp: true };
      });
    } finally {
      clearInterval(watch);
    }
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
