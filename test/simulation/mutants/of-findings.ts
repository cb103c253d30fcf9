// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are of modules of the product
import { type Mutant, mutant } from './mutant.ts';

/** What the simulator found, each bug put back in: a finding stays found. */
export const OF_FINDINGS: readonly Mutant[] = [
  mutant(
    'F1: a candidate that caught up does not know its timeline',
    'src/agent/promises.ts',
    'epochOfTimeline(timelinesOf(view), end.timeline)',
    'epochOfTimeline(view.local.timelineEpochs, end.timeline)',
  ),
  mutant(
    'F2: a fence in a record that is gone keeps members from promising',
    'src/ha/promise.ts',
    'const stands = record === view.record.current?.record;',
    'const stands = true;',
  ),
  mutant(
    'F4: a primary fenced during its restart starts and stops for ever',
    'src/ha/stopped.ts',
    'if (view.wishes.shutdown || isFenced(record.fenced, view.self)) return releaseAlone(record);',
    'if (view.wishes.shutdown) return releaseAlone(record);',
  ),
  mutant(
    'F5: a rebuilt record lets no diverged member come back',
    'src/ha/repair.ts',
    'record: won(asMarked(recruitment), {',
    'record: won(recruitment.base.record, {',
  ),
  mutant(
    'F6: a record that went backwards is renewed',
    'src/ha/renewal.ts',
    "if (standingIn(view, record).kind !== 'valid') return false;",
    '',
  ),
  mutant(
    'F9: the cohort of an epoch that the holder gave itself is not maintained',
    'src/ha/primary.ts',
    "const waits = step.kind === 'wait' && isSelfBumped(record);",
    'const waits = false;',
  ),
  mutant(
    'F10: who won a record that went backwards promises nothing',
    'src/ha/promise.ts',
    "standingIn(view, record).kind === 'valid' &&",
    '',
  ),
  mutant(
    'F11: what initdb made stays a standby under its own claim',
    'src/ha/decide.ts',
    'leaveRunning(view, record) ?? notBegun(view, record) ?? standBy(view, record);',
    'leaveRunning(view, record) ?? standBy(view, record);',
  ),
  mutant(
    'F14: a primary that may not repair asks the API no more',
    'src/ha/repair-as-primary.ts',
    "if (!apiReachable) return { kind: 'look', reason: `${why}: does the API still say so?` };",
    'if (!apiReachable) return wait(why);',
  ),
  mutant(
    'F15: a settled record that is over is reason enough to rewind',
    'src/ha/returning.ts',
    "return fresh ? { may: true, reason: `epoch ${record.epoch} is settled` } : { may: false, reason: 'look' };",
    "return { may: true, reason: 'mutant' };",
  ),
  mutant(
    'F17: the settled mark is waited for before members that promised more are answered',
    'src/ha/primary.ts',
    'bump(view, record, server) ??\n    // The mark waits',
    'mark(record, server) ??\n    bump(view, record, server) ??\n    // The mark waits',
  ),
  mutant(
    'F18: a winner that died before it settled may never lead again',
    'src/ha/candidate.ts',
    'const wasPrimary = record.settled.primary === identity || record.primary === identity;',
    'const wasPrimary = record.settled.primary === identity;',
  ),
  mutant(
    'F8: a record older than one that was seen is obeyed',
    'src/ha/floor.ts',
    "if (local.data !== 'empty' && seen !== null && isNewer(seen, ageOf(record))) {",
    'if (record.epoch < 0 && seen !== null) {',
  ),
  mutant(
    'F19: a member that left the history of a primary that gave itself an epoch stays away',
    'src/ha/returning.ts',
    'if (isSelfBumped(record)) {',
    'if (record.epoch < 0) {',
  ),
];
