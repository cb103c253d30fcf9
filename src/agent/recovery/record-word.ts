import type { RecoveryOperation, RecoveryPause } from '../../ha/record.ts';
import { pauseRecovery } from '../../ha/recovery.ts';
import { millis } from '../../ha/units.ts';
import type { Context } from '../context.ts';

const WRITE = millis(5_000);

/** What a recovery that stands at its goal reads of the cluster record, and writes there. */
export interface RecordWord {
  /** The operation of this id as it is known by now; null: it is not known. */
  newest(id: string): RecoveryOperation | null;
  /** That this member stands at the operation's goal. What cannot be written is told again. */
  tell(operation: RecoveryOperation, paused: RecoveryPause): Promise<void>;
}

/** `context`: of the agent that recovers; asked for later, since it is made of this too. */
export function recordWord(context: () => Context): RecordWord {
  return {
    newest: (id) => {
      const recovery = context().tracker.current?.record.recovery;
      return recovery?.id === id ? recovery : null;
    },
    tell: async (operation, paused) => {
      const { tracker, self, log } = context();
      const result = await context()
        .api()
        ?.writer.swap((record) => pauseRecovery(record, operation, self, paused), WRITE);
      if (result?.outcome !== 'swapped') return;
      tracker.onSwapped(result.current);
      log.info(
        { event: 'recovery.paused', ...paused },
        `recovery ${operation.id} stands at its target, read-only, until it is resumed or abandoned`,
      );
    },
  };
}
