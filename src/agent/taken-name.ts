import type { MemberRecord } from '../ha/record.ts';
import { millis } from '../ha/units.ts';
import { PeerClient } from '../http/peer-client.ts';
import type { ClusterStore } from '../kubernetes/ports.ts';
import { AgentError } from './errors.ts';
import type { PeerTrust } from './peer-trust.ts';

/** Bounds in milliseconds. An API that does not answer now is no reason not to start. */
const LIST = 2_000;
const ASK = 1_000;

/**
 * Two agents must not work under one name: each would write over the other's Lease, and peers would talk to either.
 * The address that the name's Lease tells is asked; where an agent of that name answers, this one does not start.
 *
 * @throws AgentError NAME_TAKEN
 */
export async function refuseTakenName(
  store: ClusterStore,
  own: Pick<MemberRecord, 'member' | 'host' | 'httpPort'>,
  token: string | null,
  trust: PeerTrust,
): Promise<void> {
  const members = await store.listMembers(millis(LIST)).catch(() => []);
  const known = members.find((record) => record.member === own.member);
  if (known === undefined || (known.host === own.host && known.httpPort === own.httpPort)) return;
  const client = new PeerClient({
    host: known.host,
    port: known.httpPort,
    token: () => token,
    tls: () => (known.https ? trust.tls : null),
  });
  try {
    const answer = await client.state(millis(ASK));
    if (answer.outcome !== 'answered' || answer.value.member !== own.member) return;
  } finally {
    client.close();
  }
  throw new AgentError(
    'NAME_TAKEN',
    `another agent answers under the name ${own.member} at ${known.host}:${known.httpPort}`,
    'give every member a name of its own (cluster.memberName), or stop that agent first',
  );
}
