import { describe, expect, it } from 'vitest';
import { instant, timelineId } from '../../../src/ha/units.ts';
import { NEVER, NO_TRACES, serverView, type Traces } from '../../../src/postgres/sql/server-view.ts';
import type { StatusRow } from '../../../src/postgres/sql/status-query.ts';

const wal = { timeline: timelineId(1), forksOf: new Map([[timelineId(1), []]]), histories: [] };
const context = { wal, promoting: false, doorOpen: false, doorInDoubt: false };

const standby: StatusRow = {
  inRecovery: true,
  timeline: null,
  flush: null,
  receive: '0/300',
  replay: '0/280',
  checkpointTimeline: 1,
  receiver: { pid: 7, status: 'streaming', timeline: 1, heardAgo: 40, heard: 'T1' },
  receiverRuns: true,
  startupWait: 'RecoveryWalStream',
  follows: 'pg-0-00000000',
  names: 'ANY 1 ("nobody")',
  senders: [],
  waiting: 0,
  waitingForFlush: 0,
  rolesExist: true,
  tableExists: false,
  replayedAgo: 1_000,
};

const look = (row: StatusRow, at: number, traces: Traces = NO_TRACES) =>
  serverView({ row, sentAt: instant(at), answeredAt: instant(at + 1) }, traces, context);
const heard = (row: StatusRow, change: Partial<NonNullable<StatusRow['receiver']>>): StatusRow => ({
  ...row,
  receiver: row.receiver === null ? null : { ...row.receiver, ...change },
});

describe('when the sender was last heard', () => {
  it('is told by the server at the first look', () => {
    expect(look(standby, 10_000).view.receiver?.heardAt).toBe(9_960);
  });

  it('does not move without a new message, whatever the wall clock does', () => {
    const first = look(standby, 10_000);
    const jumped = heard(standby, { heardAgo: -3_600_000 });
    expect(look(jumped, 12_000, first.traces).view.receiver?.heardAt).toBe(9_960);
  });

  it('lies between two looks when there was one, even if the wall clock jumped', () => {
    const first = look(standby, 10_000);
    const forward = heard(standby, { heard: 'T2', heardAgo: 3_600_000 });
    expect(look(forward, 10_500, first.traces).view.receiver?.heardAt).toBe(10_001);
    const backward = heard(standby, { heard: 'T2', heardAgo: -3_600_000 });
    expect(look(backward, 10_500, first.traces).view.receiver?.heardAt).toBe(10_500);
    const right = heard(standby, { heard: 'T2', heardAgo: 200 });
    expect(look(right, 10_500, first.traces).view.receiver?.heardAt).toBe(10_300);
  });

  it('is never before the first message', () => {
    expect(look(heard(standby, { heard: null, heardAgo: null }), 10_000).view.receiver?.heardAt).toBe(NEVER);
  });
});

describe('the flushed end of a standby', () => {
  it('is the later of received and replayed: the receiver may have begun anew at a segment', () => {
    expect(look(standby, 1).view.flushLsn).toBe('0/300');
    expect(look({ ...standby, receive: '0/200' }, 1).view.flushLsn).toBe('0/280');
    expect(look({ ...standby, receive: null }, 1).view.flushLsn).toBe('0/280');
  });
});

describe('the end of local WAL', () => {
  const alone: StatusRow = {
    ...standby,
    receiver: null,
    receiverRuns: false,
    startupWait: 'RecoveryRetrieveRetryInterval',
  };

  it('is reached when the startup process waits for more and no receiver runs', () => {
    expect(look(alone, 1).view.atEndOfWal).toBe(true);
    expect(look({ ...alone, startupWait: null }, 1).view.atEndOfWal).toBe(false);
    expect(look({ ...alone, receiverRuns: true }, 1).view.atEndOfWal).toBe(false);
  });

  it('is reached while a receiver connects to a sender that does not answer', () => {
    const connects = { ...alone, receiverRuns: true, startupWait: 'RecoveryWalStream' };
    expect(look(connects, 1).view.atEndOfWal).toBe(true);
    expect(look({ ...connects, startupWait: null }, 1).view.atEndOfWal).toBe(false);
    const streams = heard({ ...connects, receiver: standby.receiver }, { status: 'streaming' });
    expect(look(streams, 1).view.atEndOfWal).toBe(false);
  });

  it('is reached with a receiver that its sender has sent away', () => {
    const sentAway = heard(
      { ...alone, receiverRuns: true, receiver: standby.receiver },
      { status: 'waiting' },
    );
    expect(look(sentAway, 1).view.atEndOfWal).toBe(true);
    expect(look({ ...sentAway, startupWait: null }, 1).view.atEndOfWal).toBe(false);
    expect(look(heard(sentAway, { status: 'streaming' }), 1).view.atEndOfWal).toBe(false);
  });

  it('stays reached between two waits, until replay moves', () => {
    const { traces } = look(alone, 1);
    expect(look({ ...alone, startupWait: null }, 2, traces).view.atEndOfWal).toBe(true);
    expect(look({ ...alone, startupWait: null, replay: '0/281' }, 2, traces).view.atEndOfWal).toBe(false);
  });
});

describe('when a standby replied', () => {
  const sender = {
    identity: 'pg-1-0',
    pid: 9,
    state: 'streaming',
    hasSlot: true,
    syncState: 'quorum',
    sent: '0/1',
    flush: '0/1',
    replay: '0/1',
  };
  const primary = (reply: string | null): StatusRow => ({
    ...standby,
    inRecovery: false,
    timeline: '00000001',
    flush: '0/300',
    senders: [{ ...sender, reply }],
  });

  it('moves only when the reply time changes', () => {
    const none = look(primary(null), 1_000);
    expect(none.view.walsenders[0]?.repliedAt).toBe(NEVER);
    const first = look(primary('R1'), 2_000, none.traces);
    expect(first.view.walsenders[0]?.repliedAt).toBe(2_000);
    const same = look(primary('R1'), 3_000, first.traces);
    expect(same.view.walsenders[0]?.repliedAt).toBe(2_000);
    expect(look(primary('R2'), 4_000, same.traces).view.walsenders[0]?.repliedAt).toBe(4_000);
  });
});
