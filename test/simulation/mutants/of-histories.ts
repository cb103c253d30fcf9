// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are of modules of the product
import { type Mutant, mutant } from './mutant.ts';

/** Floors, timelines, coming back, and a record that was lost. */
export const OF_HISTORIES: readonly Mutant[] = [
  mutant(
    'a timeline number is used again',
    'src/ha/transitions.ts',
    'const timeline = timelineId(record.highestTimeline + 1);',
    'const timeline = timelineId(Math.max(record.settled.timeline, 1) + 1);',
  ),
  {
    name: 'a record below the floor is obeyed',
    changes: [
      {
        file: 'src/ha/floor.ts',
        from: 'if (floor === null) return false;\n  if (record.epoch === floor.epoch &&',
        to: 'if (floor !== null) return false;\n  if (floor === null) return false;\n  if (record.epoch === floor.epoch &&',
      },
    ],
  },
  mutant(
    'an older copy of the record of the same epoch is obeyed',
    'src/ha/floor.ts',
    'if (record.epoch === floor.epoch && record.revision < floor.revision) return true;',
    '',
  ),
  mutant(
    'a candidate that left the history of the best streams from it for ever',
    'src/ha/catch-up.ts',
    'if (!recruitment.walGone && ownMayStream(view, best))',
    'if (!recruitment.walGone)',
  ),
  mutant(
    'a floor is not written before following',
    'src/agent/act-on-data.ts',
    '      await instance.writeFloor(decision.floor, learnTimelines(view.local.timelineEpochs, record));\n      context.recruitment',
    '      context.recruitment',
  ),
  mutant(
    'a diverged standby connects',
    'src/ha/standby.ts',
    "if (way.kind === 'follow') return follow;",
    "if (way.kind !== 'unknown') return follow;",
  ),
  mutant(
    'a standby rewinds without a reason',
    'src/ha/returning.ts',
    "    case 'same':\n      return { kind: 'follow' };",
    "    case 'same':\n      return local.state === 'stopped' ? { kind: 'rewind', switchLsn: end } : { kind: 'follow' };",
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
    'the winner of an unsettled epoch begins again by its own word',
    'src/ha/standby.ts',
    'const own = record.settled.primary === view.local.identity || record.settled.epoch === 0;',
    'const own = record.epoch >= 0;',
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
    'a repair asks only those who answer',
    'src/ha/repair.ts',
    'return cohort.length < knownMembers(view).length ? null : rebuiltBase(view, cohort);',
    'return rebuiltBase(view, cohort);',
  ),
  {
    // Who gave a promise was asked by somebody who had given it before: the own one alone leads above it as well.
    name: 'a repaired record begins below what members promised',
    changes: [
      {
        file: 'src/ha/repair.ts',
        from: 'if (state !== null) highest = Math.max(highest, state.floor?.epoch ?? 0, state.promise - 1);',
        to: '',
      },
      { file: 'src/ha/repair.ts', from: '    view.local.promise - 1,\n', to: '' },
    ],
  },
  mutant(
    'initdb asks nobody',
    'src/ha/bootstrap.ts',
    'const silent = unproven(view);\n  if (silent !== null) return wait(silent);\n  if (view.settings',
    'if (view.settings',
  ),
];
