// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are of modules of the product
import { type Mutant, mutant } from './mutant.ts';

/** Holding the Lease, losing it, and handing it over. */
export const OF_LEASES: readonly Mutant[] = [
  {
    name: 'the deadline counts from the reply',
    changes: [
      {
        file: 'src/agent/act-on-record.ts',
        from: 'context.hold.renewedAt = result.sentAt;',
        to: 'context.hold.renewedAt = context.clock.now();',
      },
      // As src/agent/api.ts does it.
      {
        file: 'world/agent.ts',
        from: 'hold.renewedAt = sentAt;',
        to: 'hold.renewedAt = sentAt && clock.now();',
      },
    ],
  },
  mutant(
    'the holder forgets the time that stopping needs',
    'src/ha/lease.ts',
    'renewedAt + duration * (1 - settings.drift) - settings.stopTimeout',
    'renewedAt + duration',
  ),
  mutant(
    'the holder counts on a longer duration than the record says',
    'src/ha/lease.ts',
    'const duration = Math.min(record.leaseDuration, settings.leaseDuration);',
    'const duration = 1.5 * settings.leaseDuration;',
  ),
  mutant(
    'a Lease expires by a time that the record tells',
    'src/ha/lease.ts',
    'return view.changedAt !== null && elapsed(view.changedAt, now) >= record.leaseDuration;',
    'return view.changedAt !== null && Date.now() - Date.parse(record.history.at(-1)?.at ?? new Date().toISOString()) >= record.leaseDuration;',
  ),
  mutant(
    'a Lease expires at once',
    'src/ha/lease.ts',
    'elapsed(view.changedAt, now) >= record.leaseDuration',
    'elapsed(view.changedAt, now) >= 0',
  ),
  mutant(
    'an asynchronous standby acquires a Lease that is held',
    'src/ha/candidate.ts',
    'if (!released && !isExpired(record, view.record, view.now)) return null;',
    '',
  ),
  mutant(
    'a member that gave its word acquires all the same',
    'src/ha/candidate.ts',
    'if ((view.wishes.heldUntil ?? 0) > view.now) return null;',
    '',
  ),
  mutant(
    'a standby that is not eligible acquires',
    'src/ha/candidate.ts',
    'if (!wasPrimary && !record.settled.cohort.includes(identity)) return null;',
    '',
  ),
  {
    name: 'a renewal goes on after a demotion began',
    changes: [
      { file: 'src/ha/renewal.ts', from: ' || !view.hold.renewing) return false;', to: ') return false;' },
      {
        file: 'src/ha/renewal.ts',
        from: "    case 'primary':\n",
        to: "    case 'primary':\n    case 'stopping':\n",
      },
      // As src/agent/services.ts wires it.
      { file: 'world/agent.ts', from: 'this.#keeper.revoke();', to: '' },
    ],
  },
  mutant(
    'a swap of unknown outcome counts as done',
    'src/agent/act-on-record.ts',
    "if (read.outcome !== 'found' || result.outcome !== 'unknown') return false;",
    "if (result.outcome === 'unknown') { if (next.holder === context.hold.holder) context.tracker.onSwapped({ record: next, resourceVersion: read.outcome === 'found' ? read.current.resourceVersion : '0' }); return true; }\n  if (read.outcome !== 'found') return false;",
  ),
  mutant(
    'the Lease is released before the target has everything',
    'src/ha/handover.ts',
    'compareLsn(state.position.lsn, shutdownEnd) >= 0',
    'compareLsn(state.position.lsn, shutdownEnd) >= Number.NEGATIVE_INFINITY',
  ),
  mutant(
    'a handed-over epoch is won before it is released',
    'src/ha/candidate.ts',
    'if (record.ending === null || record.ending.target !== view.local.identity || !isReleased(record))',
    'if (record.ending === null || record.ending.target !== view.local.identity)',
  ),
  mutant(
    'a primary releases while processes of its directory are left',
    'src/ha/stopped.ts',
    'if (!local.provenDead) {',
    'if (!local.provenDead && local.data === "empty") {',
  ),
  mutant(
    'an old primary does not obey the new record',
    'src/ha/decide.ts',
    'if (record.primary !== view.local.identity) {\n    return {',
    "if (record.primary !== view.local.identity) return wait('mutant');\n  if (record.primary === null) {\n    return {",
  ),
  mutant(
    'a superseded primary goes on',
    'src/ha/primary.ts',
    'if (superior === null) return null;',
    'if (superior === null || view.now > 0) return null;',
  ),
  mutant(
    'the door stays open on an isolated primary',
    'src/ha/isolation.ts',
    'if (server.doorOpen) {',
    'if (server.doorOpen && view.now < 0) {',
  ),
  mutant(
    'renewals let clients in without end',
    'src/ha/permission.ts',
    'return instant(latest + view.settings.staleReadBound);',
    'return instant(latest + 60_000);',
  ),
];
