import type { Followed, Permission, Reach } from '../../archive/wal/permit.ts';
import { compareLsn, type Lsn } from '../../ha/lsn.ts';
import { permittedUntil } from '../../ha/permission.ts';
import { parseSynchronousStandbyNames } from '../../ha/quorum.ts';
import type { ClusterRecord } from '../../ha/record.ts';
import { elapsed, type Instant } from '../../ha/units.ts';
import type { ServerView, View } from '../../ha/view.ts';
import { isInOffice } from '../status.ts';

/**
 * What this member may archive, by its last view. Only the primary of a settled epoch archives, and in quorum mode no
 * more than what `k` of the published cohort have flushed: whoever takes over has that, so nothing that a takeover
 * drops was ever archived. What was once confirmed stays so while the epoch lasts, whoever streams now.
 */
export class ArchiveReach {
  #last: { readonly epoch: number; readonly reach: Reach; readonly at: Instant } | null = null;

  /** `now`: not the view's, which is as old as the last round. */
  judge(view: View, now: Instant): Permission {
    const record = view.record.lastValid;
    const { local } = view;
    const { server, state } = local;
    const follows = state === 'standby' && server?.inRecovery === true ? followed(record, server) : null;
    const refuse = (reason: string): Permission => ({ reach: null, reason, follows });
    if (record === null || local.identity === null || record.primary !== local.identity)
      return refuse('this member is not the primary');
    // Until a person has confirmed it, what is written since may be abandoned.
    if (record.recovery !== undefined) return refuse('a recovery in place waits to be confirmed');
    if (!isInOffice(record)) return refuse('its epoch is not settled');
    const known = this.#last?.epoch === record.epoch ? this.#last : null;
    const last = known?.reach ?? null;
    // On its way down it archives what was confirmed before: Postgres asks until its end.
    if (state === 'stopping' || (state === 'primary' && server === null))
      return known === null
        ? refuse('Postgres does not answer')
        : { reach: known.reach, age: elapsed(known.at, now) };
    if (state !== 'primary' || server === null || server.inRecovery) return refuse(`Postgres is ${state}`);
    if (record.settled.acks === 0 && now >= permittedUntil(view, record))
      return refuse('the Lease was not renewed in time: another member may lead');
    const confirmed = confirmedBy(record, server);
    const before = last !== null && last.timeline === server.timeline ? last.confirmed : null;
    const further =
      before === null || (confirmed !== null && compareLsn(confirmed, before) > 0) ? confirmed : before;
    if (further === null) return refuse('too few standbys have confirmed anything in this epoch');
    const reach = { timeline: server.timeline, forks: server.forks, confirmed: further };
    this.#last = { epoch: record.epoch, reach, at: view.now };
    return { reach, age: elapsed(view.now, now) };
  }
}

function followed(record: ClusterRecord | null, { timeline, forks, follows }: ServerView): Followed {
  const isSettled =
    record?.primary != null &&
    follows === record.primary &&
    timeline === record.timeline &&
    isInOffice(record);
  return { timeline, forks, isSettled };
}

/** The k-th latest flush of the published cohort, at most the primary's own; null: fewer than `k` stream. */
function confirmedBy(record: ClusterRecord, server: ServerView): Lsn | null {
  const { cohort, acks } = counted(record, server);
  if (acks === 0) return server.flushLsn;
  const members: readonly string[] = cohort;
  const flushed = new Map<string, Lsn>();
  for (const { identity, streaming, flushLsn } of server.walsenders) {
    if (!streaming || !members.includes(identity)) continue;
    const known = flushed.get(identity);
    if (known === undefined || compareLsn(flushLsn, known) > 0) flushed.set(identity, flushLsn);
  }
  const kth = [...flushed.values()].sort((a, b) => compareLsn(b, a))[acks - 1];
  if (kth === undefined) return null;
  return compareLsn(kth, server.flushLsn) > 0 ? server.flushLsn : kth;
}

/**
 * Whose word counts. Where the record says that nobody's does, and Postgres waits for some already, a quorum is about
 * to be published: the archive must not be ahead of it then.
 */
function counted(record: ClusterRecord, server: ServerView): { cohort: readonly string[]; acks: number } {
  if (record.settled.acks > 0) return record.settled;
  const names = parseSynchronousStandbyNames(server.synchronousStandbyNames);
  return names === null ? record.settled : { cohort: names.members, acks: names.acks };
}
