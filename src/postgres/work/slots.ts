import { compareLsn, isLsn, type Lsn } from '../../ha/lsn.ts';
import type { MemberIncarnation } from '../../ha/member.ts';
import { isMemberSlot, slotName } from '../settings/slot-name.ts';
import type { LocalServer } from '../sql/local-server.ts';
import { Session, type SessionTarget } from '../sql/session.ts';

interface SlotRow {
  readonly name: string;
  readonly restart: string | null;
  readonly active: boolean;
}

const SLOTS_QUERY = `
select slot_name as name, restart_lsn::text as restart, active
from pg_replication_slots where slot_type = 'physical' and not temporary`;

const STATE_QUERY = `
select pg_is_in_recovery() as "inRecovery", pg_last_wal_replay_lsn()::text as replay,
  (select redo_lsn::text from pg_control_checkpoint()) as redo`;

/** The upstream's physical slots by name, with what they hold back. */
export type UpstreamSlots = ReadonlyMap<string, Lsn | null>;

/** Asks the upstream, as the replication role, for its slots. */
export async function upstreamSlots(target: SessionTarget, signal: AbortSignal): Promise<UpstreamSlots> {
  const session = await Session.open(target, 'postgres', signal);
  try {
    const rows = await session.query<SlotRow>(SLOTS_QUERY, [], signal);
    return new Map(
      rows.map((row) => [row.name, row.restart !== null && isLsn(row.restart) ? row.restart : null]),
    );
  } finally {
    session.close();
  }
}

/**
 * A physical slot for each of these members (the own one left out by the caller), so that whoever is promoted has
 * kept the WAL that the others still need. On a standby, where no one streams from them, they are advanced to where
 * the upstream's are; one that the upstream has not (its own member's) to the redo point of the last restartpoint.
 * Slots of members that are no more are dropped, unless in use; other slots are not touched.
 */
export async function syncSlots(
  server: LocalServer,
  identities: readonly MemberIncarnation[],
  upstream: UpstreamSlots | null,
  signal: AbortSignal,
): Promise<void> {
  await server.with(signal, async (session) => {
    const wanted = new Set(identities.map(slotName));
    const have = await session.query<SlotRow>(SLOTS_QUERY, [], signal);
    for (const slot of have) {
      if (slot.active || wanted.has(slot.name) || !isMemberSlot(slot.name)) continue;
      await session.query('select pg_drop_replication_slot($1)', [slot.name], signal);
    }
    for (const name of wanted) {
      if (have.some((slot) => slot.name === name)) continue;
      await session.query('select pg_create_physical_replication_slot($1, true)', [name], signal);
    }
    const [state] = await session.query<{ inRecovery: boolean; replay: string | null; redo: string }>(
      STATE_QUERY,
      [],
      signal,
    );
    if (state === undefined || !state.inRecovery || upstream === null) return;
    for (const slot of have) {
      if (slot.active || !wanted.has(slot.name)) continue;
      const target = advanceTo(slot, upstream, state);
      if (target === null) continue;
      await session.query('select pg_replication_slot_advance($1, $2)', [slot.name, target], signal);
    }
  });
}

/** Where an unused slot of a standby may go: never back, never past replay (slotfuncs.c). */
function advanceTo(
  slot: SlotRow,
  upstream: UpstreamSlots,
  state: { readonly replay: string | null; readonly redo: string },
): Lsn | null {
  const wanted = upstream.has(slot.name) ? upstream.get(slot.name) : state.redo;
  if (wanted == null || state.replay === null || !isLsn(wanted) || !isLsn(state.replay)) return null;
  const target = compareLsn(wanted, state.replay) > 0 ? state.replay : wanted;
  if (slot.restart !== null && isLsn(slot.restart) && compareLsn(target, slot.restart) <= 0) return null;
  return target;
}
