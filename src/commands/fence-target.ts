import type { ClusterMember, ClusterStatus } from '../http/ports.ts';
import { UsageError } from './errors.ts';
import { memberNamed } from './members.ts';

/** A member or, with `--all`, `*`. Throws UsageError unless exactly one was given. */
export function fenceTarget(member: string | undefined, all: boolean | undefined): string {
  if ((member === undefined) === (all !== true)) {
    throw new UsageError('neither or both of a member and --all', 'give the name of a member, or --all');
  }
  return member ?? '*';
}

/** The members that a target means. */
export function chosenMembers(cluster: ClusterStatus, target: string): readonly ClusterMember[] {
  return target === '*' ? cluster.members : [memberNamed(cluster, target)];
}
