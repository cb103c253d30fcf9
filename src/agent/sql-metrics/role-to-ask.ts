import type { View } from '../../ha/view.ts';
import { roleOf } from '../status.ts';

/** What this member is to the user's queries; null: Postgres lets nobody in yet, or is about to stop. */
export function roleToAsk(view: View | null): 'primary' | 'standby' | null {
  if (view === null || view.wishes.shutdown || view.local.server?.doorOpen !== true) return null;
  const role = roleOf(view);
  return role === 'none' ? null : role;
}
