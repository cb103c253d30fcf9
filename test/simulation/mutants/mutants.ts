// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are of modules of the product
import type { Mutation } from '../hooks.ts';

export interface Mutant extends Mutation {
  readonly name: string;
}

const mutant = (name: string, file: string, from: string, to: string): Mutant => ({ name, file, from, to });

/** Planted mistakes, each a change of one rule. The simulator finds every one; see `mutants.ts --help`. */
export const MUTANTS: readonly Mutant[] = [
  mutant(
    'a promise is told before it is on disk',
    'src/agent/promises.ts',
    'await instance.writePromise(epoch);',
    '',
  ),
  mutant(
    'the receiver runs on after a promise',
    'src/agent/promises.ts',
    'const end = await instance.endReceiver(AbortSignal.timeout(END_RECEIVER));',
    'const end = { timeline: view.local.timeline, flushLsn: view.local.endOfWal };',
  ),
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
    'the candidate counts twice',
    'src/ha/choose.ts',
    'const have = countIn(',
    'const have = 1 + countIn(',
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
    'for (const identity of new Set(identities)) if ([...members].some((name) => name.slice(0, -9) === identity.slice(0, -9))) count += 1;',
  ),
  mutant(
    'a member is counted before it is published',
    'src/ha/cohort.ts',
    'if (!sameCohort(weakened, published)) {',
    'if (false) {',
  ),
  mutant(
    'a removed member is published before it is out',
    'src/ha/cohort.ts',
    'if (provenNames !== names && target.acks > 0) {',
    'if (false) {',
  ),
  mutant(
    'what is published is not asked of Postgres again',
    'src/ha/cohort.ts',
    'if (effective === null || !claimsNoMore(published, effective)) {',
    'if (effective === null) {',
  ),
  mutant(
    'names are published before they are set',
    'src/ha/cohort.ts',
    "if (namesInPostgres !== names) return { kind: 'set-names', cohort: target, why: 'the cohort changes' };",
    "if (!sameCohort(target, published)) return { kind: 'publish', cohort: target, why: 'mutant' }; if (namesInPostgres !== names) return { kind: 'set-names', cohort: target, why: 'the cohort changes' };",
  ),
  mutant(
    'names are in effect when they are set',
    'src/agent/act-on-leadership.ts',
    'if (!late && have >= cohort.acks) {',
    'if (have >= 0) {',
  ),
  mutant(
    'no names before the promotion',
    'src/agent/act-on-leadership.ts',
    'instance.prepareToPromote(synchronousStandbyNames(decision.cohort), given)',
    "instance.prepareToPromote('', given)",
  ),
  mutant(
    'clients come in before the epoch is settled',
    'src/ha/settle.ts',
    'if (!bumped && server.doorOpen) {',
    "if (!bumped && !server.doorOpen) return { kind: 'open-door', reason: 'mutant' };\n  if (server.doorOpen && record.epoch < 0) {",
  ),
  mutant(
    'an epoch is settled with acks that nobody gave',
    'src/ha/settle.ts',
    ': names;',
    ': { members: names.members.slice(0, 1), acks: 1 };',
  ),
  mutant(
    'the door stays open on an isolated primary',
    'src/ha/isolation.ts',
    'if (server.doorOpen) {',
    'if (server.doorOpen && view.now < 0) {',
  ),
  mutant(
    'the deadline counts from the reply',
    'src/agent/act-on-record.ts',
    'context.hold.renewedAt = result.sentAt;',
    'context.hold.renewedAt = context.clock.now() + 30_000 as never;',
  ),
  mutant(
    'a lease expires at once',
    'src/ha/lease.ts',
    'elapsed(view.changedAt, now) >= record.leaseDuration',
    'elapsed(view.changedAt, now) >= 0',
  ),
  mutant(
    'the holder forgets the time that stopping needs',
    'src/ha/lease.ts',
    'renewedAt + duration * (1 - settings.drift) - settings.stopTimeout',
    'renewedAt + duration * 2',
  ),
  mutant(
    'a swap of unknown outcome counts as done',
    'src/agent/act-on-record.ts',
    'return saysTheSame(read.current.record, next);',
    'return true;',
  ),
  mutant(
    'a conflict is retried with the old promises',
    'src/agent/act-on-record.ts',
    "if (read.outcome !== 'found' || result.outcome !== 'unknown') return false;",
    "if (read.outcome === 'found' && result.outcome === 'conflict') return (await api.writer.swapFrom(read.current, next, millis(SWAP))).outcome === 'swapped';\n  if (read.outcome !== 'found' || result.outcome !== 'unknown') return false;",
  ),
  mutant(
    'the cohort is replaced at the swap',
    'src/ha/transitions.ts',
    '    ending: null,\n    switchover: null,\n    leaseDuration: winner.leaseDuration,',
    '    ending: null,\n    switchover: null,\n    settled: { ...record.settled, primary: winner.primary, cohort: [winner.primary], acks: 1 },\n    leaseDuration: winner.leaseDuration,',
  ),
  mutant(
    'a timeline number is used again',
    'src/ha/transitions.ts',
    'const timeline = timelineId(record.highestTimeline + 1);',
    'const timeline = timelineId(Math.max(record.settled.timeline, 1) + 1);',
  ),
  mutant(
    'a record below the floor is obeyed',
    'src/ha/floor.ts',
    'return record.epoch < floor.epoch || (record.epoch === floor.epoch && record.primary !== floor.primary);',
    'return false;',
  ),
  mutant(
    'a floor is not written before following',
    'src/agent/act-on-data.ts',
    '      await instance.writeFloor(decision.floor, learnTimelines(view.local.timelineEpochs, record));\n      context.recruitment',
    '      context.recruitment',
  ),
  mutant(
    'a holder never answers an abandoned takeover',
    'src/ha/primary.ts',
    'if (highest <= record.epoch || !view.record.apiReachable) return null;',
    'if (highest >= 0) return null;',
  ),
  mutant(
    'a diverged standby connects',
    'src/ha/standby.ts',
    "if (way.kind === 'follow') return follow;",
    'if (way.kind !== undefined) return follow;',
  ),
  mutant(
    'data is replaced without a settled record',
    'src/ha/returning.ts',
    'return { may: false, reason: `epoch ${record.epoch} of ${record.primary} is not settled yet` };',
    "return { may: true, reason: 'mutant' };",
  ),
  mutant(
    'data is replaced by a record that was read long ago',
    'src/ha/returning.ts',
    'const fresh = elapsed(view.record.readAt, view.now) <= FRESH_LOOK;',
    'const fresh = true;',
  ),
  mutant(
    'a promotion goes on in spite of a higher promise',
    'src/ha/standby.ts',
    ' && view.local.promise <= record.epoch) {',
    ') {',
  ),
  mutant(
    'the winner of an unsettled epoch begins again by its own word',
    'src/ha/standby.ts',
    'const own = record.settled.primary === view.local.identity || record.settled.epoch === 0;',
    'const own = record.epoch >= 0;',
  ),
  mutant(
    'the last primary reads none of its WAL before it begins again',
    'src/ha/standby.ts',
    "if (!server.atEndOfWal) return wait('it still reads its local WAL');\n  return win(",
    'return win(',
  ),
  mutant(
    'the Lease is released before the target has everything',
    'src/ha/stopped.ts',
    'if (end !== null && targetHasAll(view, record, ending.target, end)) {',
    'if (end !== null) {',
  ),
  mutant(
    'a superseded primary goes on',
    'src/ha/primary.ts',
    'if (superior === null) return null;',
    'if (superior === null || view.now > 0) return null;',
  ),
  mutant(
    'an old primary does not obey the new record',
    'src/ha/decide.ts',
    'if (record.primary !== view.local.identity) {',
    'if (record.primary === null) {',
  ),
  mutant(
    'a primary repairs the record all alone',
    'src/ha/repair-as-primary.ts',
    'if (held.settled.acks > 0 && !quorumIsFresh(view, held)) {',
    'if (held.settled.acks < 0) {',
  ),
  mutant(
    'a repair asks for one promise only',
    'src/ha/transitions.ts',
    '      acks: 1,\n    },\n    fenced: base.fenced',
    '      acks: known.cohort.length,\n    },\n    fenced: base.fenced',
  ),
  mutant(
    'initdb asks nobody',
    'src/ha/bootstrap.ts',
    "if (peer.state.incarnation !== null || peer.state.state !== 'empty') return `${member} has data`;",
    '',
  ),
  mutant(
    'a member that hears the primary promises',
    'src/ha/promise.ts',
    'if (!itself && !isReleased(record) && hearsPrimary(view, record))',
    'if (record.epoch < 0)',
  ),
  mutant(
    'a member promises what it follows already',
    'src/ha/promise.ts',
    'if (request.epoch <= (local.floor?.epoch ?? 0))',
    'if (request.epoch < 0)',
  ),
  mutant(
    'suspicion without end: every time-out is a death',
    'src/ha/suspicion.ts',
    'return { suspected: false, reason: `${primary} was heard a moment ago` };',
    "return { suspected: true, strength: 'released', reason: 'mutant' };",
  ),
  mutant(
    'an asynchronous standby acquires whatever it lacks',
    'src/ha/candidate.ts',
    'if (!released && !isExpired(record, view.record, view.now)) return null;',
    '',
  ),
];
