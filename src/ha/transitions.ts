import type { Lsn } from './lsn.ts';
import { LSN_ZERO } from './lsn.ts';
import type { MemberIncarnation } from './member.ts';
import type { ClusterRecord, Cohort, Ending, HistoryEntry, RecoveryOperation } from './record.ts';
import { type Epoch, epoch, type Millis, type TimelineId, timelineId } from './units.ts';

/** How many lines of history the record keeps: an annotation is bounded (256 KiB for all of an object). */
export const HISTORY_KEPT = 50;

/** The claim of the member that will run initdb: no system identifier yet, epoch 0. */
export function claimBootstrap(
  holder: string,
  primary: MemberIncarnation | null,
  clusterUID: string,
  leaseDuration: Millis,
): ClusterRecord {
  return {
    clusterUID,
    generation: 1,
    systemIdentifier: '',
    epoch: epoch(0),
    revision: 0,
    holder,
    primary,
    timeline: timelineId(0),
    highestTimeline: timelineId(0),
    settled: { epoch: epoch(0), primary: null, timeline: timelineId(0), cohort: [], acks: 0 },
    fenced: [],
    ending: null,
    paused: false,
    flushLsn: LSN_ZERO,
    switchover: null,
    history: [],
    leaseDuration,
  };
}

/** What the first epoch begins on: a fresh initdb, or data that was restored and promoted. */
export interface FirstData {
  /** The highest epoch in it, of the cluster that it was restored from. */
  readonly epoch: Epoch;
  readonly timeline: TimelineId;
}

export const FRESH_DATA: FirstData = { epoch: epoch(0), timeline: timelineId(1) };

/** The first epoch of a cluster: unsettled, nothing acknowledged; above any epoch in the data that it begins on. */
export function beginFirstEpoch(
  claim: ClusterRecord,
  primary: MemberIncarnation,
  holder: string,
  systemIdentifier: string,
  data: FirstData = FRESH_DATA,
): ClusterRecord {
  return {
    ...claim,
    systemIdentifier,
    holder,
    primary,
    epoch: epoch(Math.max(claim.epoch, data.epoch) + 1),
    timeline: data.timeline,
    // What the life before had reserved is not reserved again.
    highestTimeline: timelineId(
      claim.recovery === undefined ? data.timeline : Math.max(claim.highestTimeline, data.timeline),
    ),
  };
}

/** A new primary: epoch up, a timeline never reserved before, `settled` unchanged. */
export function won(
  record: ClusterRecord,
  winner: { primary: MemberIncarnation; holder: string; epoch: Epoch; leaseDuration: Millis },
): ClusterRecord {
  const timeline = timelineId(record.highestTimeline + 1);
  return {
    ...record,
    epoch: winner.epoch,
    holder: winner.holder,
    primary: winner.primary,
    timeline,
    highestTimeline: timeline,
    ending: null,
    switchover: null,
    leaseDuration: winner.leaseDuration,
  };
}

/** The second swap: the epoch is settled with the cohort whose `acks` members flushed its row. */
export function settled(
  record: ClusterRecord,
  cohort: Cohort,
  entry: Omit<HistoryEntry, 'epoch' | 'timeline' | 'primary'>,
): ClusterRecord {
  if (record.primary === null) throw new TypeError('a record without a primary cannot be settled');
  return {
    ...record,
    revision: record.revision + 1,
    settled: {
      epoch: record.epoch,
      primary: record.primary,
      timeline: record.timeline,
      cohort: [...cohort.members].sort(),
      acks: cohort.acks,
    },
    ...(record.recovery?.state === 'recovering'
      ? { recovery: { ...record.recovery, state: 'serving' as const } }
      : {}),
    history: withEntry(record.history, {
      epoch: record.epoch,
      timeline: record.timeline,
      primary: record.primary,
      ...entry,
    }),
  };
}

/**
 * One line more. The first line of its timeline is never cut off: it tells the epoch that the timeline was reserved
 * for, which positions are compared by.
 */
function withEntry(history: readonly HistoryEntry[], entry: HistoryEntry): readonly HistoryEntry[] {
  const all = [...history, entry];
  const kept = all.slice(-HISTORY_KEPT);
  const first = all.find((line) => line.timeline === entry.timeline);
  return first === undefined || kept.includes(first) ? kept : [first, ...kept.slice(1)];
}

/**
 * The holder goes up to an epoch that members promised to an abandoned takeover: same timeline, same cohort. An epoch
 * that was not settled yet leaves its line, so that whoever learns of the timeline later knows what it was reserved for.
 */
export function selfBumped(
  record: ClusterRecord,
  to: Epoch,
  line: Pick<HistoryEntry, 'at' | 'switchLsn'>,
): ClusterRecord {
  const known = record.history.some((entry) => entry.timeline === record.timeline);
  if (record.primary === null || known) return { ...record, epoch: to };
  const { epoch: reservedFor, timeline, primary } = record;
  const entry = { epoch: reservedFor, timeline, primary, cause: 'not settled', ...line };
  return { ...record, epoch: to, history: withEntry(record.history, entry) };
}

export function withCohort(record: ClusterRecord, cohort: Cohort): ClusterRecord {
  return {
    ...record,
    revision: record.revision + 1,
    settled: { ...record.settled, cohort: [...cohort.members].sort(), acks: cohort.acks },
  };
}

export function withEnding(record: ClusterRecord, ending: Ending | null): ClusterRecord {
  return { ...record, ending, ...(ending === null ? {} : { switchover: null }) };
}

export function released(record: ClusterRecord): ClusterRecord {
  return { ...record, holder: '' };
}

export function renewed(record: ClusterRecord, holder: string, flushLsn: Lsn): ClusterRecord {
  return { ...record, holder, flushLsn };
}

/** What the members know where the record was lost without a running primary: any one of them must be asked. */
export function rebuilt(
  base: {
    clusterUID: string;
    systemIdentifier: string;
    leaseDuration: Millis;
    generation: number;
    fenced: readonly string[];
    paused: boolean;
    recovery?: RecoveryOperation;
    confirmed?: string;
  },
  known: {
    epoch: Epoch;
    revision: number;
    highestTimeline: TimelineId;
    cohort: readonly MemberIncarnation[];
  },
): ClusterRecord {
  return {
    clusterUID: base.clusterUID,
    generation: base.generation,
    systemIdentifier: base.systemIdentifier,
    epoch: known.epoch,
    revision: known.revision,
    holder: '',
    primary: null,
    timeline: known.highestTimeline,
    highestTimeline: known.highestTimeline,
    settled: {
      epoch: epoch(0),
      primary: null,
      timeline: timelineId(0),
      cohort: [...known.cohort].sort(),
      acks: 1,
    },
    fenced: base.fenced,
    ending: null,
    paused: base.paused,
    flushLsn: LSN_ZERO,
    switchover: null,
    history: [],
    leaseDuration: base.leaseDuration,
    ...(base.recovery === undefined ? {} : { recovery: base.recovery }),
    ...(base.confirmed === undefined ? {} : { confirmed: base.confirmed }),
  };
}
