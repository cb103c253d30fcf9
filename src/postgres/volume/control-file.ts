import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isLsn, type Lsn } from '../../ha/lsn.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import type { ControlFile } from '../../ha/view.ts';
import { PostgresError } from '../errors.ts';
import { runTool } from '../process/tool.ts';
import { HOT_STANDBY_SENSITIVE, type HotStandbySensitive } from '../settings/standing.ts';
import { shutdownRecordEnd } from './shutdown-end.ts';

/** The control file as pg_controldata prints it, with what only this room needs. */
export interface ControlData extends ControlFile {
  readonly walSegmentBytes: number;
  readonly minRecoveryEnd: Lsn;
  readonly minRecoveryTimeline: TimelineId;
  /** The values that a standby must not be below. */
  readonly required: Readonly<Record<HotStandbySensitive, number>>;
}

const STATES: readonly ControlFile['state'][] = [
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
];

/** Reads global/pg_control by pg_controldata when it has changed since the last look. */
export class ControlFileReader {
  readonly #binaries: string;
  readonly #data: string;
  #stamp: string | null = null;
  #last: ControlData | null = null;

  constructor(binaries: string, data: string) {
    this.#binaries = binaries;
    this.#data = data;
  }

  /** Null where there is no control file. */
  async read(signal: AbortSignal): Promise<ControlData | null> {
    const info = await stat(join(this.#data, 'global', 'pg_control'), { bigint: true }).catch(() => null);
    if (info === null) return null;
    const stamp = `${info.ino}.${info.mtimeNs}`;
    if (stamp === this.#stamp) return this.#last;
    const control = await readControlFile(this.#binaries, this.#data, signal);
    this.#last = control;
    this.#stamp = stamp;
    return control;
  }
}

async function readControlFile(binaries: string, data: string, signal: AbortSignal): Promise<ControlData> {
  const { stdout } = await runTool(
    { name: 'pg_controldata', file: join(binaries, 'pg_controldata'), arguments: ['-D', data] },
    signal,
  );
  const control = parseControlData(stdout);
  if (control.state !== 'shut down') return control;
  return { ...control, shutdownEndLsn: await shutdownRecordEnd(binaries, data, control, signal) };
}

/** Parses pg_controldata's output under LC_ALL=C; `shutdownEndLsn` is null. */
export function parseControlData(text: string): ControlData {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const get = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw unreadable(`pg_controldata prints no "${name}"`);
    return value;
  };
  const lsn = (name: string): Lsn => {
    const value = get(name);
    if (!isLsn(value)) throw unreadable(`"${name}" of pg_controldata is not an LSN: ${value}`);
    return value;
  };
  const number = (name: string): number => {
    const value = Number(get(name));
    if (!Number.isSafeInteger(value)) throw unreadable(`"${name}" of pg_controldata is not a number`);
    return value;
  };
  const state = STATES.find((known) => known === get('Database cluster state')) ?? 'unrecognized';
  const required = HOT_STANDBY_SENSITIVE.map((name) => {
    const printed = name === 'max_prepared_transactions' ? 'max_prepared_xacts' : name;
    return [
      name,
      number(`${printed === 'max_locks_per_transaction' ? 'max_locks_per_xact' : printed} setting`),
    ];
  });
  return {
    systemIdentifier: get('Database system identifier'),
    state,
    checkpointTimeline: timelineId(number("Latest checkpoint's TimeLineID")),
    checkpointLsn: lsn('Latest checkpoint location'),
    shutdownEndLsn: null,
    walSegmentBytes: number('Bytes per WAL segment'),
    minRecoveryEnd: lsn('Minimum recovery ending location'),
    minRecoveryTimeline: timelineId(number("Min recovery ending loc's timeline")),
    required: Object.fromEntries(required) as Record<HotStandbySensitive, number>,
  };
}

function unreadable(message: string): PostgresError {
  return new PostgresError(
    'CONTROL_FILE_UNREADABLE',
    message,
    'The binaries and the data directory must be of the same major version; a damaged directory is cloned anew.',
  );
}
