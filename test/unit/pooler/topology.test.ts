import { describe, expect, it } from 'vitest';
import type { ClusterStatus, MemberStatus } from '../../../src/http/ports.ts';
import { type Answer, topologyOf } from '../../../src/pooler/topology.ts';
import { CLUSTER, PRIMARY, STANDBY } from '../http/scripted-agent.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const [member] = CLUSTER.members;
const first = PRIMARY.member;

function answers(
  status: MemberStatus,
  { hold = false, ...cluster }: Partial<ClusterStatus> & { readonly hold?: boolean | null } = {},
  streaming = status.role === 'standby',
): Answer {
  const host = status.member === first ? '10.0.0.1' : '10.0.0.2';
  const members = member === undefined ? [] : [{ ...member, name: status.member, host, streaming }];
  return { status, cluster: { ...CLUSTER, ending: null, switchover: null, ...cluster, members }, hold };
}

describe('what the answers of the members come to', () => {
  it('finds the primary, and the standbys that stream', () => {
    expect(topologyOf([answers(PRIMARY), answers(STANDBY), null], NOW)).toEqual({
      leader: { address: { host: '10.0.0.1', port: 5432 }, epoch: 7, ending: false, leaving: false },
      epoch: 7,
      notLeading: [{ host: '10.0.0.2', port: 5432 }],
      standbys: [{ host: '10.0.0.2', port: 5432 }],
      noneStreams: false,
    });
  });

  it('waits with a switchover that was asked for until the primary says hold', () => {
    const switchover = { target: null, at: null, requestedAt: '2026-05-01T11:59:59Z' };
    const asked = { switchover } as Partial<ClusterStatus>;
    expect(topologyOf([answers(PRIMARY, asked)], NOW).leader).toMatchObject({ ending: true, leaving: false });
    expect(topologyOf([answers(PRIMARY, { ...asked, hold: true })], NOW).leader?.leaving).toBe(true);
  });

  it('goes by the request where the member does not tell when', () => {
    const at = (time: string) =>
      ({ hold: null, switchover: { target: null, at: time } }) as Parameters<typeof answers>[1];
    expect(topologyOf([answers(PRIMARY, at('2026-05-01T11:00:00Z'))], NOW).leader?.leaving).toBe(true);
    expect(topologyOf([answers(PRIMARY, at('2026-05-01T13:00:00Z'))], NOW).leader?.leaving).toBe(false);
  });

  it('takes the one with the later epoch for the primary where two say that they are', () => {
    const later = { ...STANDBY, role: 'primary', epoch: 8 } as MemberStatus;
    expect(topologyOf([answers(PRIMARY), answers(later)], NOW).leader).toMatchObject({
      epoch: 8,
      address: { host: '10.0.0.2' },
    });
  });

  it('knows when standbys answer and none of them streams', () => {
    expect(topologyOf([null, answers(STANDBY, {}, false)], NOW).noneStreams).toBe(true);
    expect(topologyOf([null, answers(STANDBY)], NOW).noneStreams).toBe(false);
    expect(topologyOf([null, null], NOW).noneStreams).toBe(false);
  });
});
