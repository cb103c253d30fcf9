import type { RecoveryOperation } from '../../ha/record.ts';
import { isSameGoal } from '../../ha/recovery.ts';
import { pause } from '../../postgres/wait.ts';
import type { Pause } from '../../postgres/work/recover.ts';
import type { Context } from '../context.ts';
import { type BootstrapParts, RetryPace, tellBy } from './bootstrap.ts';
import { NoArchiveToRecoverFromError } from './errors.ts';
import type { RecordWord } from './record-word.ts';

/** Milliseconds between two looks for a word of how it goes on. */
const LOOK = 250;

/**
 * `Context.recoverTo`: the directory is filled out of the cluster's own archive, up to what the operation names, and
 * promoted to a timeline that nobody of this cluster ever reserved; one that pauses stands at its goal first, until the
 * cluster record says how it goes on. Nothing of it is loaded before it is wanted.
 */
export function recoveryInPlace(parts: BootstrapParts, word: RecordWord): Context['recoverTo'] {
  let pace = { id: '', retry: new RetryPace() };
  return (asked, highest, report) => async (place, signal) => {
    if (pace.id !== asked.id) pace = { id: asked.id, retry: new RetryPace() };
    const { fillFromArchive } = await import('./fill.ts');
    const { goalTarget } = await import('./goal.ts');
    const { url } = parts.configuration.archive;
    if (url === null) throw new NoArchiveToRecoverFromError();
    for (;;) {
      const operation = word.newest(asked.id) ?? asked;
      const filling = {
        from: url,
        target: goalTarget(operation.goal),
        timeline: operation.timeline,
        backup: operation.backup,
        tablespaces: [],
        above: highest,
        ask: operation.pauses ? askRecord(word, operation) : null,
      };
      const filled = await pace.retry.attempt(
        () => fillFromArchive(parts, filling, place, tellBy(report), signal),
        signal,
      );
      if (filled !== null) return filled;
    }
  };
}

/** A word that a person gave outlives any agent: it is in the record. Where that cannot be had, it goes on standing. */
function askRecord(word: RecordWord, operation: RecoveryOperation): Pause['ask'] {
  return async ({ socketDirectory }, signal) => {
    const paused = { at: new Date().toISOString(), socketDirectory };
    for (;;) {
      const now = word.newest(operation.id);
      if (now !== null) {
        if (!isSameGoal(now.goal, operation.goal)) return 'leave';
        if (!now.pauses) return 'promote';
        if (now.paused?.socketDirectory !== socketDirectory) await word.tell(operation, paused);
      }
      await pause(LOOK, 'the pause at the target', signal);
    }
  };
}
