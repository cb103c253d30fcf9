// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are of modules of the product
import type { Mutation } from '../hooks.ts';
import { type Mutant, mutant } from './mutant.ts';

/** A member grants whatever record the candidate goes by. */
const WHATEVER_RECORD: readonly Mutation[] = [
  {
    file: 'src/ha/promise.ts',
    from: 'if (request.recordEpoch < (local.floor?.epoch ?? 0)) {',
    to: 'if (request.recordEpoch < 0) {',
  },
  {
    file: 'src/ha/promise.ts',
    from: 'if (isNewer(known, asked) || isNewer(view.record.seen, asked)) {',
    to: 'if (asked.epoch < 0) {',
  },
  {
    file: 'src/ha/promise.ts',
    from: 'if (record.epoch > request.recordEpoch)',
    to: 'if (request.recordEpoch < 0)',
  },
];

/** Promises, and who is recruited. */
export const OF_PROMISES: readonly Mutant[] = [
  mutant(
    'a promise is not on disk when it is told',
    'src/agent/promises.ts',
    'await instance.writePromise(epoch);',
    'void instance.writePromise(epoch).catch(() => undefined);',
  ),
  {
    name: 'a promise for a lower epoch is accepted',
    changes: [
      {
        file: 'src/ha/promise.ts',
        from: 'if (request.epoch < local.promise) return',
        to: 'if (request.epoch < 0) return',
      },
      // The same request is mostly refused for the record that it goes by, too.
      ...WHATEVER_RECORD,
      // Stands for the same guard in src/postgres/volume/fact-store.ts.
      {
        file: 'world/volume.ts',
        from: 'if (promised < this.promise)',
        to: 'if (promised < 0)',
      },
    ],
  },
  mutant(
    'the receiver runs on after a promise',
    'src/agent/promises.ts',
    'const end = await instance.endReceiver(AbortSignal.timeout(END_RECEIVER));',
    'const end = { timeline: view.local.timeline, flushLsn: view.local.endOfWal };',
  ),
  mutant(
    'a member that hears the primary promises',
    'src/ha/promise.ts',
    'if (!itself && !isReleased(record) && hearsPrimary(view, record))',
    'if (record.epoch < 0)',
  ),
  {
    name: 'a member promises what it follows already',
    changes: [
      {
        file: 'src/ha/promise.ts',
        from: 'if (request.epoch <= (local.floor?.epoch ?? 0))',
        to: 'if (request.epoch < 0)',
      },
      ...WHATEVER_RECORD,
    ],
  },
  mutant(
    'LSN is compared before epoch',
    'src/ha/position.ts',
    'a.epoch - b.epoch || compareLsn(a.lsn, b.lsn)',
    'compareLsn(a.lsn, b.lsn) || a.epoch - b.epoch',
  ),
  mutant(
    'positions are not compared at all',
    'src/ha/choose.ts',
    'if (best === own)',
    'if (best === own || own.mayLead)',
  ),
  mutant(
    'the quorum is one too small',
    'src/ha/quorum.ts',
    'Math.max(1, cohort.members.length - cohort.acks + 1)',
    'Math.max(1, cohort.members.length - cohort.acks)',
  ),
  mutant(
    'the candidate is counted twice',
    'src/ha/choose.ts',
    'const have = countIn(',
    'const have = (granted.some((answer) => memberOf(answer.identity) === self) ? 1 : 0) + countIn(',
  ),
  mutant(
    'anybody of a cohort stands for its primary',
    'src/ha/choose.ts',
    'answer.identity === settled.primary)',
    'settled.cohort.includes(answer.identity))',
  ),
  mutant(
    'a wiped member votes',
    'src/ha/quorum.ts',
    'for (const identity of new Set(identities)) if (members.has(identity)) count += 1;',
    "for (const identity of new Set(identities)) if ([...members].some((name) => name.slice(0, name.lastIndexOf('-')) === identity.slice(0, identity.lastIndexOf('-')))) count += 1;",
  ),
  mutant(
    'a time-out is read as death',
    'src/ha/suspicion.ts',
    "strength: 'silent',\n    reason: `nothing",
    "strength: 'released',\n    reason: `nothing",
  ),
  mutant(
    'a time-out is read as a release',
    'src/ha/lease.ts',
    "return record.holder === '';",
    "return record.holder === '' || record.settled.epoch > 1;",
  ),
  mutant(
    'a conflict is retried with the old promises',
    'src/agent/act-on-record.ts',
    "if (read.outcome !== 'found' || result.outcome !== 'unknown') return false;",
    "if (read.outcome === 'found' && result.outcome === 'conflict') return (await api.writer.swapFrom(read.current, next, millis(SWAP))).outcome === 'swapped';\n  if (read.outcome !== 'found' || result.outcome !== 'unknown') return false;",
  ),
  mutant(
    'a holder never answers an abandoned takeover',
    'src/ha/primary.ts',
    'if (highest <= record.epoch || !view.record.apiReachable) return null;',
    'if (highest >= 0) return null;',
  ),
  mutant(
    'a promotion goes on in spite of a higher promise',
    'src/ha/standby.ts',
    ' && view.local.promise <= record.epoch) {',
    ') {',
  ),
];
