import { describe, expect, it } from 'vitest';
import { Process } from '../../simulation/engine/scheduler.ts';
import type { SimServer } from '../../simulation/world/server.ts';
import { parseNames, type SimWalsender, SyncRep, type Waiter } from '../../simulation/world/sync-rep.ts';
import type { WalRecord } from '../../simulation/world/wal.ts';

const NAMES = 'ANY 1 ("a","b")';

function walsender(identity: string, names: string, flush: number | null): SimWalsender {
  const config = parseNames(names);
  return {
    pid: 1,
    identity,
    streaming: true,
    alive: true,
    sent: 0,
    flush,
    replay: 0,
    replies: 0,
    config,
    counted: config?.names.includes(identity) ?? false,
    lastReplyAt: 0,
    reloadPending: false,
    sentBeforeReload: 0,
    busyUntil: 0,
    close: () => undefined,
  };
}

/** Commits at the ends given wait; tells which were released, and which of them by a cancel. */
function waiting(walsenders: readonly SimWalsender[], ends: readonly number[]) {
  const syncRep = new SyncRep({ walsenders: new Set(walsenders) } as unknown as SimServer);
  syncRep.defined = true;
  const released: number[] = [];
  const cancelled: number[] = [];
  for (const end of ends) {
    const waiter: Waiter = {
      record: { end } as WalRecord,
      session: new Process('backend'),
      released: (isCancelled) => (isCancelled ? cancelled : released).push(end),
    };
    syncRep.wait(waiter);
  }
  return { syncRep, released, cancelled };
}

describe('synchronous replication of the simulated Postgres', () => {
  it('releases what one of two counted standbys has flushed', () => {
    const a = walsender('a', NAMES, 20);
    const { syncRep, released } = waiting([a, walsender('b', NAMES, 0)], [10, 20, 30]);
    syncRep.release(a);
    expect(released).toEqual([10, 20]);
  });

  it('counts by the reading of the walsender that releases, over the slots of all', () => {
    const strict = walsender('a', 'ANY 2 ("a","b")', 20);
    const { syncRep, released } = waiting([strict, walsender('b', NAMES, 0)], [10]);
    syncRep.release(strict);
    expect(released).toEqual([]);
  });

  it('releases nothing by a standby that is not named', () => {
    const stranger = walsender('c', NAMES, 50);
    const { syncRep, released } = waiting([stranger], [10]);
    syncRep.release(stranger);
    expect(released).toEqual([]);
  });

  it('lets a commit through at once while the checkpointer has not said that standbys are defined', () => {
    const { syncRep, released } = waiting([], []);
    syncRep.defined = false;
    syncRep.wait({
      record: { end: 5 } as WalRecord,
      session: new Process('x'),
      released: () => released.push(5),
    });
    expect(released).toEqual([5]);
  });

  it('tells who waited that the wait was cancelled', () => {
    const { syncRep, released, cancelled } = waiting([walsender('a', NAMES, 0)], [10]);
    syncRep.cancel();
    expect(released).toEqual([]);
    expect(cancelled).toEqual([10]);
  });
});
