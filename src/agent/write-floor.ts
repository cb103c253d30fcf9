import type { MemberIncarnation } from '../ha/member.ts';
import type { ClusterRecord } from '../ha/record.ts';
import type { View } from '../ha/view.ts';
import type { Context } from './context.ts';
import { learnTimelines } from './timelines.ts';

/**
 * Puts on disk that this member leads or follows the record's epoch under `primary`, with what the record tells of
 * timelines. Durable when it returns: nothing is promoted, started or followed before.
 */
export async function writeFloor(
  context: Context,
  view: View,
  record: ClusterRecord,
  primary: MemberIncarnation,
): Promise<void> {
  const { epoch, revision } = record;
  await context.instance.writeFloor(
    { epoch, primary, revision },
    learnTimelines(view.local.timelineEpochs, record),
  );
}
