import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { MemberIncarnation } from '../../ha/member.ts';
import { PostgresError } from '../errors.ts';
import type { InstanceDeps, InstanceOptions, ReportProgress, Upstream } from '../ports.ts';
import { childrenOf } from '../process/children.ts';
import type { Postmaster } from '../process/postmaster.ts';
import { startCommand } from '../process/start-command.ts';
import { stopPostgres } from '../process/stop.ts';
import { hotStandbyOverrides } from '../settings/hot-standby.ts';
import type { SettingsFiles } from '../settings/settings-files.ts';
import { NOBODY } from '../settings/standing.ts';
import type { ControlFileReader } from '../volume/control-file.ts';
import type { VolumePaths } from '../volume/paths.ts';
import { pause } from '../wait.ts';

export interface FinishRewindParts {
  readonly options: InstanceOptions;
  readonly paths: VolumePaths;
  readonly deps: InstanceDeps;
  readonly postmaster: Postmaster;
  readonly files: SettingsFiles;
  readonly control: ControlFileReader;
}

/** Recovery that shows no movement for so long will not end: its source is gone. */
const STALLED_MS = 30_000;
const LOOK_MS = 500;

/**
 * pg_rewind copies files that the source writes meanwhile: they are consistent only with the source's WAL up to its
 * end at that time, which the copy may lack (pg_rewind documentation, "How It Works", step 6). A member starts without
 * anybody to follow, so that WAL is streamed here, and Postgres stopped again. Rejects where it cannot be had: the
 * directory is of no use without.
 */
export async function finishRewind(
  parts: FinishRewindParts,
  from: Upstream,
  identity: MemberIncarnation | null,
  report: ReportProgress,
  signal: AbortSignal,
): Promise<void> {
  const { options, paths, deps, postmaster, files, control } = parts;
  report({ done: 0, total: null, detail: `streaming what the rewind needs from ${from.identity}` });
  const found = await control.read(signal);
  const wished = files.wanted.settings.parameters;
  await files.change(
    {
      synchronousStandbyNames: NOBODY,
      upstream: from,
      identity,
      useSlot: false,
      hurryReplay: true,
      overrides: found === null ? {} : hotStandbyOverrides(wished, found.required),
      open: false,
    },
    async () => undefined,
  );
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  let stalled = false;
  const watch = untilStalled(postmaster, ended).then(
    () => {
      stalled = true;
      over.abort();
    },
    () => undefined, // The start ended first.
  );
  try {
    const command = startCommand(options, paths);
    // What its processes say of themselves tells whether recovery moves.
    const told = { ...command, arguments: [...command.arguments, '-c', 'update_process_title=on'] };
    await postmaster.start(told, ended);
  } catch (cause) {
    throw stalled ? notFinished(from, cause) : cause;
  } finally {
    over.abort();
    await watch;
    if (postmaster.pid !== null) await stopPostgres(postmaster, paths, 'fast', options.stopTimeout, deps);
    await files.change({ upstream: null, hurryReplay: false }, async () => undefined);
  }
}

function notFinished(from: Upstream, cause: unknown): PostgresError {
  return new PostgresError(
    'REWIND_NOT_FINISHED',
    `the WAL that makes the rewound directory whole did not come from ${from.identity}`,
    'It is cloned anew by itself.',
    { cause },
  );
}

/** Resolves when no child of the postmaster has told anything new for `STALLED_MS`. */
async function untilStalled(postmaster: Postmaster, signal: AbortSignal): Promise<void> {
  let before = '';
  let still = 0;
  while (still < STALLED_MS) {
    await pause(LOOK_MS, 'finishing the rewind', signal);
    const now = await titlesOf(postmaster.pid);
    still = now === before ? still + LOOK_MS : 0;
    before = now;
  }
}

/** Of the startup process and the receiver: "recovering 00…", "streaming 0/…". */
async function titlesOf(postmaster: number | null): Promise<string> {
  const hash = createHash('sha1');
  for (const pid of await childrenOf(postmaster)) {
    const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (/startup|walreceiver/.test(title)) hash.update(title);
  }
  return hash.digest('hex');
}
