import type { ClusterMember, ClusterStatus } from '../http/ports.ts';
import { UsageError } from './errors.ts';

/** The named member; throws UsageError naming those that there are. */
export function memberNamed(cluster: ClusterStatus, name: string): ClusterMember {
  const member = cluster.members.find((candidate) => candidate.name === name);
  if (member !== undefined) return member;
  const names = cluster.members.map((candidate) => candidate.name).join(', ');
  throw new UsageError(`the cluster has no member ${name}`, `its members are: ${names}`);
}

/** A member does its part: it is the primary (of a settled epoch), or streams from it. */
export function doesItsPart(member: ClusterMember): boolean {
  return member.role === 'primary' || (member.state === 'standby' && member.streaming);
}

/** One member in a few words: `pg-1 cloning 40 %`. */
export function inShort(member: ClusterMember): string {
  const { progress } = member;
  if (progress !== null) {
    const part = progress.fraction === null ? progress.detail : `${Math.floor(progress.fraction * 100)} %`;
    return `${member.name} ${progress.task} ${part}`.trim();
  }
  const detail = member.fenced ? ' (fenced)' : member.streaming ? ', streaming' : '';
  return `${member.name} ${member.state}${detail}`;
}
