import { mkdir, rm } from 'node:fs/promises';
import { lookInto } from '../../archive/restore/directory.ts';
import { majorOf, planRestore } from '../../archive/restore/plan.ts';
import type { ReportRestore } from '../../archive/restore/progress.ts';
import { restore } from '../../archive/restore/restore.ts';
import { openRestoreSource } from '../../archive/restore/source.ts';
import { parseMapping, placeTablespaces, type TablespaceMapping } from '../../archive/restore/tablespaces.ts';
import { describeTarget, type RestoreTarget, type TimelineChoice } from '../../archive/restore/target.ts';
import type { Configuration } from '../../config/configuration.ts';
import { type Epoch, epoch, type TimelineId } from '../../ha/units.ts';
import { highestEpoch } from '../../postgres/work/highest-epoch.ts';
import type { Pause } from '../../postgres/work/recover.ts';
import { archiveSettings } from '../archive/settings.ts';
import { AgentStateError } from '../errors.ts';
import { type BootstrapParts, logRecovery } from './bootstrap.ts';
import { NoSuchMajorError } from './errors.ts';
import { configuredTarget, configuredTimeline } from './target.ts';

/** Tars on their way at once: a member begins with the machine to itself. */
const PARALLEL = 4;

/** What a directory is filled with. */
export interface Filling {
  /** The URL of the archive. */
  readonly from: string;
  readonly target: RestoreTarget;
  readonly timeline: TimelineChoice;
  readonly backup: string | null;
  readonly tablespaces: readonly TablespaceMapping[];
  /** The timeline that it is promoted to is above this one; null: whichever comes next. */
  readonly above: TimelineId | null;
  /** Who says how it goes on at the target; null: it is promoted. */
  readonly ask: Pause['ask'] | null;
}

/** What a valid configuration names for a cluster that begins out of an archive. */
export function configuredFill({ bootstrap: { recovery } }: Configuration): Filling {
  if (recovery.from === null)
    throw new AgentStateError('asked to begin from an archive that is not configured');
  return {
    from: recovery.from,
    target: configuredTarget(recovery),
    timeline: configuredTimeline(recovery),
    backup: recovery.backup,
    tablespaces: recovery.tablespaceMapping.map(parseMapping).filter((one) => one !== null),
    above: null,
    ask: null,
  };
}

/**
 * Restores into `place.directory` what is asked for, recovers it to the target, and promotes it. Cut off, it is called
 * again and goes on.
 *
 * @returns null where it was left at the target, to go further by another call
 * @throws RestoreError, ArchiveError, PostgresError
 */
export async function fillFromArchive(
  { configuration, binaries, log }: BootstrapParts,
  { from, target, timeline, backup, tablespaces, above, ask }: Filling,
  place: { readonly directory: string; readonly lock: string },
  report: ReportRestore,
  signal: AbortSignal,
): Promise<{ readonly inherited: Epoch } | null> {
  const { archive, postgres } = configuration;
  const source = await openRestoreSource(archiveSettings({ ...archive, url: from }), signal);
  try {
    const nothing = { done: 0, total: null, rate: null, remaining: null };
    const wish = {
      target,
      timeline,
      backup,
      binDirectory: binaries.directory,
    };
    const planning = (detail: string): void => report({ ...nothing, phase: 'planning', detail });
    const plan = await planRestore(source, wish, planning, signal);
    const major = majorOf(plan.backup);
    if (major !== null && major !== binaries.major) throw new NoSuchMajorError(major, binaries.major);
    await clearForeign(place.directory);
    log.info(
      { event: 'restore.begun', from: source.store.name, backup: plan.backup.id, target },
      `Restores ${plan.backup.id} from ${source.store.name}, to ${describeTarget(target)}`,
    );
    let inherited = epoch(0);
    const restored = await restore(
      {
        source,
        plan,
        data: place.directory,
        tablespaces: placeTablespaces(plan.backup.tablespaces, tablespaces),
        binaries,
        leaveReplay: null,
        lock: place.lock,
        parallel: PARALLEL,
        ...(above === null ? {} : { above }),
        ...(ask === null ? {} : { pause: { superuser: postgres.superuser.name, ask } }),
        report,
        onFound: (what) => log.info({ event: 'restore.found', what }, `An unfinished restore is ${what}`),
        onWaiting: (what, error) =>
          log.warn(
            { event: 'restore.waits', what, code: error.code },
            `Waits for the archive: ${error.message}`,
          ),
        onMessage: logRecovery(log),
        onPromoted: async (server) => {
          inherited = await highestEpoch(server, postgres.superuser.name);
        },
      },
      signal,
    );
    if (restored.recovered?.promoted === false) return null;
    log.info(
      { event: 'restore.done', backup: restored.backup, ...restored.recovered, inherited },
      `Restored ${restored.backup} to ${describeTarget(target)}`,
    );
    return { inherited };
  } finally {
    source.store.close();
  }
}

/** The directory is the agent's own: what is no restore that can be taken up is of no use to anybody. */
async function clearForeign(directory: string): Promise<void> {
  if ((await lookInto(directory)).kind === 'taken') await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
}
