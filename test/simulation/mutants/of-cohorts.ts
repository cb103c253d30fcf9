// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are of modules of the product
import { type Mutant, mutant } from './mutant.ts';

/** The cohort: what is published, what Postgres does, and in which order they change. */
export const OF_COHORTS: readonly Mutant[] = [
  mutant(
    'adding a member: counted before it is published',
    'src/ha/cohort.ts',
    'members: [...new Set([...published.members, ...target.members])],',
    'members: published.members,',
  ),
  mutant(
    'removing a member: published before it is out',
    'src/ha/cohort.ts',
    "if (namesInPostgres !== names) return { kind: 'set-names'",
    "if (target.members.length < published.members.length) return { kind: 'publish', cohort: target, why: 'mutant' };\n  if (namesInPostgres !== names) return { kind: 'set-names'",
  ),
  mutant(
    'raising k: published before Postgres asks for it',
    'src/ha/cohort.ts',
    'acks: Math.min(published.acks, target.acks),',
    'acks: Math.max(published.acks, target.acks),',
  ),
  mutant(
    'lowering k: Postgres asks for less before it is published',
    'src/ha/cohort.ts',
    'acks: Math.min(published.acks, target.acks),',
    'acks: published.acks,',
  ),
  mutant(
    'a removal is published as soon as it is set',
    'src/ha/cohort.ts',
    'if (provenNames !== names && target.acks > 0) {',
    'if (false) {',
  ),
  mutant(
    'names are in effect when they are set',
    'src/agent/act-on-leadership.ts',
    'if (!late && have >= cohort.acks && !signal.aborted) {',
    'if (have >= 0) {',
  ),
  mutant(
    'walsenders that read the names late are not waited for',
    'src/agent/act-on-leadership.ts',
    'if (!late && have >= cohort.acks && !signal.aborted) {',
    'if (have >= cohort.acks && !signal.aborted) {',
  ),
  mutant(
    'a proof of names that were set before goes on',
    'src/agent/act-on-leadership.ts',
    "await tasks.cancel('prove-names');",
    '',
  ),
  mutant(
    'no checkpoint before the first acknowledgements are claimed',
    'src/agent/act-on-leadership.ts',
    'if (before.acks === 0 && cohort.acks > 0) await instance.checkpoint(signal);',
    '',
  ),
  {
    // Either of the two clauses alone puts the names back: the first before, the second after what else is to be done.
    name: 'names that somebody edited are not put back',
    changes: [
      {
        file: 'src/ha/cohort.ts',
        from: 'if (effective === null || !claimsNoMore(published, effective)) {',
        to: 'if (effective === null) {',
      },
      {
        file: 'src/ha/cohort.ts',
        from: "if (namesInPostgres !== names) return { kind: 'set-names'",
        to: "if (namesInPostgres !== names && claimsNoMore(published, effective)) return { kind: 'set-names'",
      },
    ],
  },
  mutant(
    'no names before the promotion',
    'src/agent/act-on-leadership.ts',
    'isPrepared(server, names) ? null : instance.prepareToPromote(names, given)',
    "instance.prepareToPromote('', given)",
  ),
  {
    name: 'strict names are set after the promotion',
    changes: [
      {
        file: 'src/agent/act-on-leadership.ts',
        from: 'isPrepared(server, names) ? null : instance.prepareToPromote(names, given)',
        to: "instance.prepareToPromote('', given)",
      },
      {
        file: 'src/agent/act-on-leadership.ts',
        from: 'await instance.promote(decision.timeline, given);',
        to: 'await instance.promote(decision.timeline, given);\n  await instance.setSynchronousStandbyNames(synchronousStandbyNames(decision.cohort), given);',
      },
    ],
  },
  mutant(
    'the cohort is replaced at the swap',
    'src/ha/transitions.ts',
    '    ending: null,\n    switchover: null,\n    leaseDuration: winner.leaseDuration,',
    '    ending: null,\n    switchover: null,\n    settled: { ...record.settled, cohort: record.settled.cohort.filter((name) => name !== winner.primary), acks: record.settled.acks },\n    leaseDuration: winner.leaseDuration,',
  ),
  {
    name: 'an old incarnation is counted',
    changes: [
      // Stands for an application_name without the incarnation (src/postgres/settings).
      {
        file: 'world/server.ts',
        from: 'walsender.config?.names.includes(walsender.identity) ?? false',
        to: "walsender.config?.names.some((name) => name.slice(0, name.lastIndexOf('-')) === walsender.identity.slice(0, walsender.identity.lastIndexOf('-'))) ?? false",
      },
    ],
  },
  {
    name: 'a dead incarnation stays in the cohort',
    // Either of the two alone is covered by the other.
    changes: [
      {
        file: 'src/ha/cohort.ts',
        from: 'return memberIncarnation(member, record.incarnation) !== identity;',
        to: 'return false;',
      },
      { file: 'src/ha/cohort.ts', from: '&& !hasAnother(identity)', to: '' },
    ],
  },
  mutant(
    'an epoch is settled with acknowledgements that nobody gave',
    'src/ha/settle.ts',
    'if (have < names.acks) {',
    'if (have < 0) {',
  ),
  mutant(
    'the settle swap publishes another cohort than the one in effect',
    'src/ha/settle.ts',
    ': names;',
    ': { members: names.members.slice(0, 1), acks: 1 };',
  ),
  mutant(
    'clients come in before the epoch is settled',
    'src/ha/settle.ts',
    'if (!bumped && server.doorOpen) {',
    "if (!bumped && !server.doorOpen) return { kind: 'open-door', reason: 'mutant' };\n  if (server.doorOpen && record.epoch < 0) {",
  ),
];
