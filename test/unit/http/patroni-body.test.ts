import { describe, expect, it } from 'vitest';
import { memberName } from '../../../src/ha/member.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import { patroniCluster, patroniHistory, patroniStatus } from '../../../src/http/patroni-body.ts';
import { CLUSTER, PG0, PRIMARY, ScriptedAgent, STANDBY } from './scripted-agent.ts';

describe("Patroni's bodies", () => {
  it('describe a primary', () => {
    expect(patroniStatus(PRIMARY)).toEqual({
      state: 'running',
      postmaster_start_time: '2026-05-01 10:00:00.250000+00:00',
      role: 'primary',
      server_version: 170_005,
      xlog: { location: 0x5000060 },
      timeline: 3,
      replication: [
        { application_name: 'pg-1-0000000b', state: 'streaming', sync_state: 'quorum', sync_priority: 1 },
      ],
      dcs_last_seen: 1_777_629_600,
      database_system_identifier: '7268616322854375442',
      patroni: { version: '0.1.0', scope: 'demo', name: 'pg-0' },
    });
  });

  it('describe a standby', () => {
    expect(patroniStatus(STANDBY)).toMatchObject({
      state: 'running',
      role: 'replica',
      xlog: {
        received_location: 0x5000060,
        replayed_location: 0x5000000,
        replayed_timestamp: null,
        paused: false,
      },
      quorum_standby: true,
      replication_state: 'streaming',
      patroni: { name: 'pg-1' },
    });
  });

  it('tell what is unusual only when it is there', () => {
    const usual = patroniStatus(STANDBY);
    const unusual = patroniStatus({
      ...STANDBY,
      primary: null,
      paused: true,
      pendingRestart: ['max_connections'],
      apiLastSeen: null,
      tags: { nofailover: true, nosync: true, priority: 0 },
    });
    expect(unusual).toMatchObject({
      cluster_unlocked: true,
      pause: true,
      pending_restart: true,
      dcs_last_seen: 0,
      tags: { nofailover: true, nosync: true },
    });
    for (const key of ['cluster_unlocked', 'pause', 'pending_restart', 'tags', 'sync_standby']) {
      expect(usual).not.toHaveProperty(key);
    }
  });

  it('leave out what only a running instance knows', () => {
    const stopped = patroniStatus({ ...STANDBY, state: 'cloning', role: 'none', systemIdentifier: '' });
    expect(stopped).toMatchObject({ state: 'creating replica', role: 'replica' });
    expect(stopped).not.toHaveProperty('xlog');
    expect(stopped).not.toHaveProperty('database_system_identifier');
    expect(patroniStatus({ ...STANDBY, state: 'empty', role: 'none' })).toMatchObject({
      role: 'uninitialized',
    });
  });

  it('list the members by name', () => {
    expect(patroniCluster(CLUSTER)).toEqual({
      members: [
        {
          name: 'pg-0',
          role: 'leader',
          state: 'running',
          api_url: 'http://10.0.0.1:8008/patroni',
          host: '10.0.0.1',
          port: 5432,
          timeline: 3,
        },
        {
          name: 'pg-1',
          role: 'quorum_standby',
          state: 'streaming',
          api_url: 'http://10.0.0.2:8008/patroni',
          host: '10.0.0.2',
          port: 5432,
          timeline: 3,
          receive_lag: 96,
          replay_lag: 96,
          lag: 96,
        },
      ],
      scope: 'demo',
    });
  });

  it('show a switchover that is to come, and a pause', () => {
    const at = '2026-05-02T00:00:00Z';
    const body = patroniCluster({
      ...CLUSTER,
      paused: true,
      switchover: { target: memberName('pg-1'), at, requestedAt: at },
    });
    expect(body).toMatchObject({ pause: true, scheduled_switchover: { at, from: 'pg-0', to: 'pg-1' } });
  });

  it('show a history of timelines, without the epochs that kept theirs', () => {
    expect(patroniHistory(new ScriptedAgent().history())).toEqual([
      [1, 0x3000000, 'takeover', '2026-05-01T10:00:00.250Z', 'pg-0'],
      [2, 0x4000000, 'switchover', '2026-05-01T10:00:00.250Z', 'pg-0'],
    ]);
    const cut = new ScriptedAgent().history().slice(3);
    expect(patroniHistory(cut)).toHaveLength(1);
    expect(
      patroniHistory([
        { epoch: epoch(9), timeline: timelineId(5), primary: PG0, at: 'x', cause: 'x', switchLsn: null },
      ]),
    ).toEqual([]);
  });
});
