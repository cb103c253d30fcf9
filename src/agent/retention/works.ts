import type { ArchiveOverview } from '../../archive/catalog/overview.ts';
import { readOverview } from '../../archive/catalog/read-overview.ts';
import { readDrillRecord, writeDrillRecord } from '../../archive/drill/drill-record.ts';
import type { DrillRecord, DrillResult } from '../../archive/drill/result.ts';
import { ArchiveNotReadyError } from '../../archive/errors.ts';
import { openArchive } from '../../archive/opened-archive.ts';
import { segmentBytesOf } from '../../archive/restore/segment-bytes.ts';
import { openRestoreSource, type RestoreSource } from '../../archive/restore/source.ts';
import type { RetentionReport } from '../../archive/retention/outcome-report.ts';
import { removeFromArchive } from '../../archive/retention/run-retention.ts';
import { type VerifyReport, verify } from '../../archive/verify/verify.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { View } from '../../ha/view.ts';
import type { JobRequest } from '../../http/catalog-report.ts';
import { archiveSettings } from '../archive/settings.ts';
import { identityOf } from '../backup/archive.ts';
import { drillOrder } from '../drill/options.ts';
import { spawnDrill } from '../drill/spawn-drill.ts';
import type { Job } from './job.ts';

type Request<Kind extends JobRequest['kind']> = Extract<JobRequest, { readonly kind: Kind }>;

/** Of an archive without WAL, of which nothing is removed that has to do with it. */
const ANY_SEGMENT = 16 * 1024 * 1024;
/** Objects that are read at once: this is a member that serves. */
const PARALLEL = 2;

/** The works of an agent on its archive. Each opens the archive for itself, and closes it. */
export class ArchiveWorks {
  readonly #configuration: Configuration;
  readonly #view: () => View | null;

  /** `configuration.archive.url` is given. */
  constructor(configuration: Configuration, view: () => View | null) {
    this.#configuration = configuration;
    this.#view = view;
  }

  /** `times`: the last commits are looked up in WAL, which of an idle cluster takes many segments. */
  async overview(times: boolean, signal: AbortSignal): Promise<ArchiveOverview> {
    const options = { times, binDirectory: this.#configuration.postgres.binDirectory };
    return await this.#withSource(signal, (source) => readOverview(source, options, signal));
  }

  async remove(
    job: Job,
    request: Request<'retention' | 'delete'>,
    signal: AbortSignal,
  ): Promise<RetentionReport> {
    const { archive, retention } = this.#configuration;
    const own = identityOf(this.#view());
    if (own === null) throw new ArchiveNotReadyError(archive.url ?? '', 'the cluster is not known yet');
    const { window, count } = retention;
    const wish = request.kind === 'delete' ? request : { policy: { window, count } };
    return await this.#withSource(signal, (source) =>
      removeFromArchive(
        source,
        own,
        wish,
        request.dryRun,
        ({ backups, backupObjects, walObjects }) =>
          job.progressed(
            `removed ${backups.length} backups (${backupObjects} objects), ${walObjects} files of WAL`,
          ),
        signal,
      ),
    );
  }

  async verify(job: Job, request: Request<'verify'>, signal: AbortSignal): Promise<VerifyReport> {
    const { contents, wal, backup: only } = request;
    return await this.#withSource(signal, async (source) => {
      const segmentBytes = (await segmentBytesOf(source, signal)) ?? ANY_SEGMENT;
      return await verify(
        source,
        segmentBytes,
        { backups: contents, wal, only, parallel: PARALLEL },
        ({ detail, readBytes, totalBytes }) =>
          job.progressed(
            detail,
            totalBytes === null || totalBytes === 0 ? null : Math.min(1, readBytes / totalBytes),
          ),
        signal,
      );
    });
  }

  /** Here, in a process of its own. Of a drill of the newest backup the result is kept in the archive. */
  async drill(job: Job, backup: string | null, signal: AbortSignal): Promise<DrillResult> {
    const order = drillOrder(this.#configuration, backup);
    const result = await spawnDrill(order, (detail, fraction) => job.progressed(detail, fraction), signal);
    if (backup !== null) return result;
    const { store } = await openArchive(order.settings);
    try {
      await writeDrillRecord(store, result, signal);
    } finally {
      store.close();
    }
    return result;
  }

  async drills(signal: AbortSignal): Promise<DrillRecord> {
    const { store } = await openArchive(archiveSettings(this.#configuration.archive));
    try {
      return await readDrillRecord(store, signal);
    } finally {
      store.close();
    }
  }

  async #withSource<Result>(
    signal: AbortSignal,
    work: (source: RestoreSource) => Promise<Result>,
  ): Promise<Result> {
    const source = await openRestoreSource(archiveSettings(this.#configuration.archive), signal);
    try {
      return await work(source);
    } finally {
      source.store.close();
    }
  }
}
