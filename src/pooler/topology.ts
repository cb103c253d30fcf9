import type { Epoch } from '../ha/units.ts';
import type { ClusterStatus, MemberStatus } from '../http/ports.ts';

/** What one member said in one round; null: it did not answer. */
export type Answer = { readonly status: MemberStatus; readonly cluster: ClusterStatus } | null;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Leader {
  readonly address: Address;
  readonly epoch: Epoch;
  /** A planned end of it was asked for, or announced. */
  readonly leaving: boolean;
}

export interface Topology {
  /** The member with the highest epoch that says itself that it lets clients write; null: none. */
  readonly leader: Leader | null;
  /** The highest epoch that anybody knows. */
  readonly epoch: number;
  /** Addresses of members that said themselves that they lead no longer, or not yet. */
  readonly notLeading: readonly Address[];
  /** Standbys that stream and are open. */
  readonly standbys: readonly Address[];
}

/** What the members' answers come to. `now`: Unix time in milliseconds. */
export function topologyOf(answers: readonly Answer[], now: number): Topology {
  let leader: Leader | null = null;
  let epoch = 0;
  const notLeading: Address[] = [];
  const standbys: Address[] = [];
  for (const answer of answers) {
    if (answer === null) continue;
    const { status, cluster } = answer;
    epoch = Math.max(epoch, status.epoch);
    const own = cluster.members.find(({ name }) => name === status.member);
    if (own === undefined || own.host === '' || own.port === 0) continue;
    const address = { host: own.host, port: own.port };
    if (status.role !== 'primary' || !status.open) {
      notLeading.push(address);
      if (status.role === 'standby' && status.open && own.streaming) standbys.push(address);
    } else if (leader === null || status.epoch > leader.epoch) {
      leader = { address, epoch: status.epoch, leaving: isLeaving(answer, now) };
    }
  }
  return { leader, epoch, notLeading, standbys };
}

function isLeaving({ status, cluster }: NonNullable<Answer>, now: number): boolean {
  const request = cluster.switchover;
  const isDue = request !== null && (request.at === null || Date.parse(request.at) <= now);
  return status.ending || cluster.ending !== null || isDue;
}

export function isSame(a: Address | null, b: Address | null): boolean {
  return a?.host === b?.host && a?.port === b?.port;
}
