import type { Decision } from '../ha/decision.ts';
import { millis } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import { actOnData } from './act-on-data.ts';
import { actOnLeadership } from './act-on-leadership.ts';
import { actOnRecord } from './act-on-record.ts';
import type { Context } from './context.ts';
import { catchUp, recruit } from './recruiting.ts';

/** The longest that a direct GET may take, in milliseconds. */
const LOOK = 1_000;

/** Carries out one decision. Bounded: what takes long becomes a task. `exit` and `wait` are the loop's own. */
export async function act(context: Context, view: View, decision: Decision): Promise<void> {
  switch (decision.kind) {
    case 'wait':
    case 'problem':
    case 'exit':
      return;
    case 'look': {
      const api = context.api();
      if (api === null) return;
      const result = await api.writer.read(millis(LOOK));
      context.tracker.onRead(result);
      context.tracker.onReachable(result.outcome !== 'unknown');
      return;
    }
    case 'recruit':
      return await recruit(context, view, decision);
    case 'abandon-recruit':
      context.recruitment = null;
      context.failedRecruitAt = context.clock.now();
      return;
    case 'yield':
      return await yieldTo(context, view, decision);
    case 'catch-up':
      return await catchUp(context, view, decision);
    case 'create-record':
    case 'swap-record':
    case 'begin-first-epoch':
    case 'win':
    case 'settle':
    case 'announce-end':
    case 'release':
    case 'hold-members':
      return await actOnRecord(context, view, decision);
    case 'initialize':
    case 'start-primary':
    case 'start-standby':
    case 'follow':
    case 'unfollow':
    case 'raise-floor':
    case 'stop':
    case 'rewind':
    case 'clone':
    case 'set-aside':
    case 'bring-back':
    case 'drop-kept':
      return await actOnData(context, view, decision);
    case 'promote':
    case 'write-epoch-row':
    case 'mark-settled':
    case 'open-door':
    case 'close-door':
    case 'set-names':
    case 'prove-names':
    case 'checkpoint':
      return await actOnLeadership(context, view, decision);
  }
}

async function yieldTo(
  context: Context,
  view: View,
  decision: Extract<Decision, { kind: 'yield' }>,
): Promise<void> {
  context.recruitment = null;
  context.failedRecruitAt = context.clock.now();
  const { identity } = view.local;
  if (identity === null) return;
  await context.peers
    .client(decision.to)
    ?.lead({ candidate: identity, epoch: decision.epoch }, view.settings.recruitTimeout);
}
