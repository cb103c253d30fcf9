import { resolve } from 'node:path';
import { archiveSettings } from '../agent/archive/settings.ts';
import { dropPrivileges } from '../agent/privileges.ts';
import { requireBinariesFor } from '../archive/restore/binaries-for.ts';
import { lookInto, requireFree } from '../archive/restore/directory.ts';
import { majorOf, planRestore, type RestoreWish } from '../archive/restore/plan.ts';
import type { ReportRestore, RestoreProgress } from '../archive/restore/progress.ts';
import { type Restored, restore } from '../archive/restore/restore.ts';
import { openRestoreSource } from '../archive/restore/source.ts';
import { placeTablespaces, type TablespaceMapping } from '../archive/restore/tablespaces.ts';
import { targetSettings } from '../archive/restore/target.ts';
import { quoteSetting } from '../postgres/settings/quoting.ts';
import type { Pause } from '../postgres/work/recover.ts';
import { readArchiveSection, type SettingsOrigins } from './archive-section.ts';
import { UsageError } from './errors.ts';

export interface OfflineRestore {
  /** Null: archive.url of the configuration. */
  readonly from: string | null;
  readonly directory: string;
  readonly wish: RestoreWish;
  readonly mappings: readonly TablespaceMapping[];
  readonly parallel: number;
  /** False: it is left to the start of Postgres. */
  readonly replay: boolean;
  /** Only find out whether it could be done. */
  readonly dryRun: boolean;
  /** Whom a process of root becomes. */
  readonly user: string;
  readonly settings: SettingsOrigins;
  readonly report: ReportRestore;
  announce(text: string): void;
  /** Absent: it is promoted at the target. */
  readonly pause?: Pause;
}

/** What a restore came to. */
export interface OfflineResult extends Restored {
  readonly directory: string;
  readonly dryRun: boolean;
  /** What else could be reached from this backup. */
  readonly range: string;
  readonly seconds: number;
}

/** Plans and carries out a restore without an agent. Nothing is written, and no user is changed, before there is a plan. */
export async function restoreOffline(options: OfflineRestore, signal: AbortSignal): Promise<OfflineResult> {
  const { directory, wish, report, announce } = options;
  const began = performance.now();
  const section = await readArchiveSection(options.settings);
  const url = options.from ?? section.url;
  if (url === null)
    throw new UsageError('no archive is named', 'give --from s3://bucket/prefix or --from file:///path');
  requireFree(directory, await lookInto(directory));
  const source = await openRestoreSource(archiveSettings({ ...section, url }), signal);
  try {
    const planning = (detail: string): void => report({ ...NOTHING, phase: 'planning', detail });
    const plan = await planRestore(source, wish, planning, signal);
    const tablespaces = placeTablespaces(plan.backup.tablespaces, options.mappings);
    const { range } = plan;
    const rest = { directory, dryRun: options.dryRun, range };
    const binaries = options.replay
      ? await requireBinariesFor(majorOf(plan.backup), wish.binDirectory)
      : null;
    if (options.dryRun) {
      const { id, systemIdentifier } = plan.backup;
      return {
        ...rest,
        backup: id,
        systemIdentifier,
        recovered: null,
        manifest: 'none',
        seconds: seconds(began),
      };
    }
    dropPrivileges(options.user, directory);
    let waited = '';
    const restored = await restore(
      {
        source,
        plan,
        data: directory,
        tablespaces,
        binaries,
        leaveReplay: options.replay
          ? null
          : async () => [
              '# By pgwarden restore: the recovery to come, which begins with recovery.signal.',
              `restore_command = ${quoteSetting(fetchCommand(url, options.settings))}`,
              ...Object.entries({
                ...targetSettings(plan.target),
                recovery_target_timeline:
                  plan.timeline === plan.backup.timeline ? 'current' : String(plan.timeline),
                recovery_target_action: 'promote',
              }).map(([name, value]) => `${name} = ${quoteSetting(value)}`),
            ],
        parallel: options.parallel,
        report,
        onFound: (what) =>
          announce(
            what === 'continued'
              ? `${directory} has a restore of this that did not end: it goes on`
              : `${directory} has a restore of something else that did not end: it starts over`,
          ),
        onWaiting: (what, { message }) => {
          if (message !== waited) announce(`waits for the store (${what}): ${message}`);
          waited = message;
        },
        onMessage: () => undefined,
        ...(options.pause === undefined ? {} : { pause: options.pause }),
      },
      signal,
    );
    return { ...rest, ...restored, seconds: seconds(began) };
  } finally {
    source.store.close();
  }
}

const NOTHING: Omit<RestoreProgress, 'phase' | 'detail'> = {
  done: 0,
  total: null,
  rate: null,
  remaining: null,
};

function seconds(since: number): number {
  return Math.round(performance.now() - since) / 1000;
}

/** What Postgres runs for each file of WAL where the replay is left to it. Percent signs of Postgres's own are doubled. */
function fetchCommand(url: string, { file, flags }: SettingsOrigins): string {
  const words = [
    process.execPath,
    resolve(process.argv[1] ?? ''),
    'wal-fetch',
    '--from',
    url,
    ...(file === null ? [] : ['--config', file]),
    ...flags.flatMap((flag) => ['--set', flag]),
  ];
  return `${words.map((word) => `'${word.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`).join(' ')} %f %p`;
}
