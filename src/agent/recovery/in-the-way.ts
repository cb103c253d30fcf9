import type { View } from '../../ha/view.ts';
import type { Refused } from '../../http/routes-backup.ts';

/** Nothing is backed up, removed or rehearsed until a person has confirmed a recovery in place; null: there is none. */
export function recoveryInTheWay(view: View): Refused | null {
  const recovery = (view.record.current?.record ?? view.record.lastValid)?.recovery;
  if (recovery === undefined) return null;
  return {
    status: 409,
    refused: {
      code: 'RECOVERY_UNDER_WAY',
      message: `recovery ${recovery.id} is ${recovery.state}`,
      remedy: 'Run "pgwarden recover --confirm" or "pgwarden recover --abandon" first.',
    },
  };
}
