import { isFenced } from './fenced.ts';
import { isNewer, standingIn } from './floor.ts';
import { endingStands } from './handover.ts';
import { isReleased } from './lease.ts';
import { memberOf } from './member.ts';
import type { PromiseRequest } from './peer.ts';
import type { ClusterRecord } from './record.ts';
import { isHalted } from './recovery.ts';
import { hearsPrimary } from './suspicion.ts';
import { elapsed } from './units.ts';
import type { View } from './view.ts';

export type PromiseVerdict = { readonly grant: true } | { readonly grant: false; readonly reason: string };

const refuse = (reason: string): PromiseVerdict => ({ grant: false, reason });

/**
 * Whether this member promises to take part in no epoch below the asked one. A promise binds to the epoch, not to
 * the candidate: uniqueness comes from the compare-and-swap.
 */
export function judgePromise(view: View, request: PromiseRequest): PromiseVerdict {
  const { local } = view;
  if (local.clusterUID !== request.clusterUID) return refuse('it belongs to another cluster');
  if (local.generation !== null && local.generation !== (request.generation ?? 1))
    return refuse(`its data is of life ${local.generation} of the cluster`);
  if (local.data !== 'present' || local.identity === null) return refuse('it has no whole data directory');
  const busy = view.tasks.find(
    (task) =>
      task.outcome === 'running' &&
      (task.kind === 'clone' || task.kind === 'rewind' || task.kind === 'stop' || task.kind === 'promote'),
  );
  if (busy) return refuse(`it is busy: ${busy.kind}`);
  if (request.epoch < local.promise) return refuse(`it promised epoch ${local.promise}`);
  if (request.epoch <= (local.floor?.epoch ?? 0))
    return refuse(`it follows epoch ${local.floor?.epoch ?? 0}`);
  if (request.recordEpoch < (local.floor?.epoch ?? 0)) {
    return refuse(
      `the candidate's record (epoch ${request.recordEpoch}) is below epoch ${local.floor?.epoch ?? 0}`,
    );
  }
  const asked = {
    clusterUID: request.clusterUID,
    epoch: request.recordEpoch,
    revision: request.recordRevision,
  };
  const { floor } = local;
  const known = floor === null ? null : { ...floor, clusterUID: request.clusterUID };
  // An older copy of the record may name a cohort that lacks who has acknowledged since.
  if (isNewer(known, asked) || isNewer(view.record.seen, asked)) {
    return refuse(
      `the candidate's record (epoch ${asked.epoch}, revision ${asked.revision}) is older than what this member saw`,
    );
  }
  const record = obeyed(view);
  if (holdsOrWon(view)) return refuse('it won the present epoch or runs the primary');
  if (local.server === null) return refuse(`its Postgres is ${local.state}`);
  if (!local.server.inRecovery || local.server.promoting) return refuse('its Postgres is a primary');
  if (local.server.receiver === null && !local.server.atEndOfWal)
    return refuse('it still reads its local WAL');
  if (record !== null) {
    // A person's wishes stand in the record: in one that is gone nobody could take them back.
    const stands = record === view.record.current?.record;
    if (stands && isHalted(record)) return refuse('the cluster is being taken back in time');
    if (stands && record.paused) return refuse('the cluster is paused');
    if (stands && isFenced(record.fenced, view.self)) return refuse('it is fenced');
    if (record.epoch > request.recordEpoch) return refuse(`the record is at epoch ${record.epoch}`);
    const itself = record.primary !== null && memberOf(record.primary) === memberOf(request.candidate);
    if (
      record.ending !== null &&
      record.ending.target !== request.candidate &&
      !itself &&
      elapsed(view.record.changedAt, view.now) < endingStands(record)
    ) {
      return refuse(`${record.primary} is handing over to ${record.ending.target}`);
    }
    if (!itself && !isReleased(record) && hearsPrimary(view, record))
      return refuse(`it hears ${record.primary}`);
  }
  return { grant: true };
}

/** The record that this member goes by: one that went backwards tells nothing of whom it hears. */
function obeyed(view: View): ClusterRecord | null {
  const current = view.record.current?.record ?? null;
  return current !== null && standingIn(view, current).kind === 'valid' ? current : view.record.lastValid;
}

/** This member won the record's epoch and has not come down since, or runs a primary. */
export function holdsOrWon(view: View): boolean {
  const record = view.record.current?.record;
  const won =
    record !== undefined &&
    // One that went backwards says nothing of what was won.
    standingIn(view, record).kind === 'valid' &&
    record.primary !== null &&
    record.primary === view.local.identity &&
    record.holder === view.hold.holder &&
    view.hold.renewing;
  return won || view.local.state === 'primary' || view.local.state === 'promoting';
}
