import { describe, expect, it } from 'vitest';
import { epoch } from '../../../src/ha/units.ts';
import { decide, type PoolerState, START } from '../../../src/pooler/decide.ts';
import { isPoolable, renderIni, renderUsers } from '../../../src/pooler/ini.ts';
import type { Topology } from '../../../src/pooler/topology.ts';

const A = { host: 'pg-0.pg', port: 5432 };
const B = { host: 'pg-1.pg', port: 5432 };
const C = { host: 'pg-2.pg', port: 5432 };
const HOLD = 15_000;

function leads(address: typeof A, of: number, leaving = false): Topology {
  const leader = { address, epoch: epoch(of), ending: leaving, leaving };
  return { leader, epoch: of, notLeading: [], standbys: [], noneStreams: false };
}
const nobody = (of: number, notLeading: readonly (typeof A)[] = []): Topology => ({
  leader: null,
  epoch: of,
  notLeading,
  standbys: [],
  noneStreams: false,
});
const follows: PoolerState = { ...START, primary: A, epoch: 1 };
const holds: PoolerState = { ...follows, heldSince: 1000 };

describe('what the pooler does', () => {
  it('goes to the first primary that it sees', () => {
    expect(decide(START, leads(A, 1), 0, HOLD)).toMatchObject({
      actions: ['write'],
      state: { primary: A, epoch: 1 },
    });
  });

  it('holds clients once a planned end of the primary is known', () => {
    const { actions, state } = decide(follows, leads(A, 1, true), 500, HOLD);
    expect(actions).toEqual(['pause']);
    expect(state.heldSince).toBe(500);
  });

  it('lets them go at the new primary, after its address is written', () => {
    const { actions, state } = decide(holds, leads(B, 2), 1200, HOLD);
    expect(actions).toEqual(['write', 'resume']);
    expect(state).toMatchObject({ primary: B, heldSince: null });
  });

  it('lets them go where the end was withdrawn', () => {
    expect(decide(holds, leads(A, 1), 1200, HOLD).actions).toEqual(['resume']);
  });

  it('lets them go when the bound is over, and holds no more in that epoch', () => {
    const { actions, state } = decide(holds, leads(A, 1, true), 1000 + HOLD, HOLD);
    expect(actions).toEqual(['resume']);
    expect(decide(state, leads(A, 1, true), 1100 + HOLD, HOLD).actions).toEqual([]);
  });

  it('holds again in that epoch once its primary has served', () => {
    const { state } = decide({ ...follows, gaveUp: 1 }, leads(A, 1), 0, HOLD);
    expect(decide(state, leads(A, 1, true), 100, HOLD).actions).toEqual(['pause']);
  });

  it('holds clients of a silent primary that nobody streams from', () => {
    const topology = { ...nobody(1), noneStreams: true };
    expect(decide(follows, topology, 0, HOLD).actions).toEqual(['pause']);
    expect(decide(START, topology, 0, HOLD).actions).toEqual([]);
  });

  it('holds clients of a primary that leads no longer, or that another is taking over from', () => {
    expect(decide(follows, nobody(1, [A]), 0, HOLD).actions).toEqual(['pause']);
    expect(decide(follows, nobody(2), 0, HOLD).actions).toEqual(['pause']);
  });

  it('holds nobody for a silence, which may be the own network', () => {
    expect(decide(follows, nobody(1), 0, HOLD).actions).toEqual([]);
    expect(decide(follows, nobody(0), 0, HOLD).actions).toEqual([]);
  });

  it('never goes back to a primary of an older epoch', () => {
    const state = { ...follows, primary: B, epoch: 2 };
    expect(decide(state, leads(A, 1), 0, HOLD)).toMatchObject({ actions: [], state: { primary: B } });
  });

  it('takes standbys up that came once no other came for a second', () => {
    const withB = { ...leads(A, 1), standbys: [B] };
    const both = { ...withB, standbys: [B, C] };
    let move = decide(follows, withB, 0, HOLD);
    expect(move.actions).toEqual([]);
    move = decide(move.state, both, 900, HOLD);
    move = decide(move.state, both, 1_899, HOLD);
    expect(move.actions).toEqual([]);
    move = decide(move.state, both, 1_900, HOLD);
    expect(move).toMatchObject({ actions: ['write'], state: { standbys: [B, C] } });
    expect(decide(move.state, both, 5_000, HOLD).actions).toEqual([]);
  });

  it('leaves a standby out at once that went', () => {
    const before = { ...follows, standbys: [B, C] };
    const { actions, state } = decide(before, { ...leads(A, 1), standbys: [C] }, 0, HOLD);
    expect(actions).toEqual(['write']);
    expect(state.standbys).toEqual([C]);
  });

  it('leaves readers alone while clients wait', () => {
    const before = { ...holds, standbys: [B, C] };
    expect(decide(before, nobody(1, [A]), 1100, HOLD).actions).toEqual([]);
  });
});

describe('the files of PgBouncer', () => {
  const options = {
    databases: ['app', 'my-db'],
    listen: '0.0.0.0',
    port: 6432,
    directory: '/run/pgbouncer',
    poolMode: 'transaction' as const,
    poolSize: 20,
    clients: 1000,
    authUser: null,
    tls: null,
  };

  it('name the primary, and all standbys for readers', () => {
    const text = renderIni(options, { ...follows, standbys: [B, C] });
    expect(text).toContain('\napp = host=pg-0.pg port=5432 dbname=app\n');
    expect(text).toContain('\napp_ro = host=pg-1.pg,pg-2.pg port=5432 dbname=app\n');
    expect(text).toContain('\nmy-db = host=pg-0.pg port=5432 dbname=my-db\n');
  });

  it('let readers to the primary where no standby streams', () => {
    expect(renderIni(options, follows)).toContain('\napp_ro = host=pg-0.pg port=5432 dbname=app\n');
  });

  it('cannot quote names of databases', () => {
    expect(['app', 'my-db', 'a.b_1'].every(isPoolable)).toBe(true);
    expect(['my db', '*', 'a"b', 'a=b', ''].some(isPoolable)).toBe(false);
  });

  it('quote passwords', () => {
    expect(renderUsers([{ name: 'app', password: 'a"b' }])).toBe('"app" "a""b"\n');
  });
});
