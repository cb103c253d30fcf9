import type { InstanceState } from '../ha/peer.ts';
import type { MemberTags } from '../ha/record.ts';
import type { MemberStatus } from './ports.ts';

/** Whether Postgres is up and running. */
export function isRunning({ state }: MemberStatus): boolean {
  return state === 'primary' || state === 'promoting' || state === 'standby';
}

/** Tags as Patroni shows them: only those that are set. */
export function patroniTags(tags: MemberTags): Record<string, boolean | number> {
  return {
    ...(tags.nofailover ? { nofailover: true } : {}),
    ...(tags.nosync ? { nosync: true } : {}),
    ...(tags.priority === 0 ? {} : { failover_priority: tags.priority }),
  };
}

/** The role as Patroni names it: what Postgres is, whoever may connect. */
export function patroniRole(status: MemberStatus): string {
  return status.state === 'primary' ? 'primary' : 'replica';
}

/** The state as Patroni 4.1 names it (PostgresqlState). */
export function patroniState(state: InstanceState): string {
  switch (state) {
    case 'initializing':
      return 'initializing new cluster';
    case 'cloning':
      return 'creating replica';
    case 'empty':
    case 'rewinding':
    case 'stopped':
      return 'stopped';
    case 'standby':
    case 'promoting':
    case 'primary':
      return 'running';
    case 'starting':
    case 'stopping':
    case 'unknown':
      return state;
    default:
      return state satisfies never;
  }
}
