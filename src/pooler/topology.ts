import type { Epoch } from '../ha/units.ts';
import type { ClusterStatus, MemberStatus } from '../http/ports.ts';

/** What one member said in one round; null: it did not answer. */
export type Answer = {
  readonly status: MemberStatus;
  readonly cluster: ClusterStatus;
  /** Whether clients should be held; null: it was not asked, or is of a version that does not tell. */
  readonly hold: boolean | null;
} | null;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Leader {
  readonly address: Address;
  readonly epoch: Epoch;
  /** A planned end of it was asked for, and may still have to wait for a checkpoint. */
  readonly ending: boolean;
  /** The planned end begins: clients are to be held now. */
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
  /** Standbys answered, and none of them streams: their primary is gone for them, too. */
  readonly noneStreams: boolean;
}

/** What the members' answers come to. `now`: Unix time in milliseconds. */
export function topologyOf(answers: readonly Answer[], now: number): Topology {
  let leader: Leader | null = null;
  let epoch = 0;
  let answered = 0;
  let streaming = 0;
  const notLeading: Address[] = [];
  const standbys: Address[] = [];
  for (const answer of answers) {
    if (answer === null) continue;
    const { status, cluster } = answer;
    epoch = Math.max(epoch, status.epoch);
    const own = cluster.members.find(({ name }) => name === status.member);
    if (own === undefined || own.host === '' || own.port === 0) continue;
    const address = { host: own.host, port: own.port };
    if (status.role === 'standby') {
      answered += 1;
      if (own.streaming) streaming += 1;
    }
    if (status.role !== 'primary' || !status.open) {
      notLeading.push(address);
      if (status.role === 'standby' && status.open && own.streaming) standbys.push(address);
    } else if (leader === null || status.epoch > leader.epoch) {
      leader = { address, epoch: status.epoch, ...endOf(answer, now) };
    }
  }
  return { leader, epoch, notLeading, standbys, noneStreams: answered > 0 && streaming === 0 };
}

function endOf(
  { status, cluster, hold }: NonNullable<Answer>,
  now: number,
): Pick<Leader, 'ending' | 'leaving'> {
  const request = cluster.switchover;
  const isDue = request !== null && (request.at === null || Date.parse(request.at) <= now);
  const ending = status.ending || cluster.ending !== null || isDue;
  // Where the member does not tell when, its word that it will has to do.
  return { ending, leaving: hold === null ? ending : hold || cluster.ending !== null };
}

export function isSame(a: Address | null, b: Address | null): boolean {
  return a?.host === b?.host && a?.port === b?.port;
}
