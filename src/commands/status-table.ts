import { styleText } from 'node:util';
import type { ClusterMember, ClusterStatus } from '../http/ports.ts';
import type { RecoveryReport } from '../http/recovery-report.ts';
import { formatBytes, formatMillis } from './output/quantity.ts';
import { renderTable } from './output/table.ts';

type Style = 'green' | 'yellow' | 'red' | 'dim' | 'bold';
const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** The whole cluster for people: a head of two lines, and a line a member. */
export function statusTable(cluster: ClusterStatus): string {
  return [...head(cluster), '', memberTable(cluster.members)].join('\n');
}

function head(cluster: ClusterStatus): string[] {
  const settled = cluster.settledEpoch === cluster.epoch ? '' : ` (settled: ${cluster.settledEpoch})`;
  const quorum =
    cluster.acks === 0
      ? 'no standby (asynchronous)'
      : `any ${cluster.acks} of ${cluster.cohort.length} (${cluster.cohort.join(', ')})`;
  const lines = [
    `cluster ${paint('bold', cluster.cluster)} in ${cluster.namespace}  epoch ${cluster.epoch}${settled}  timeline ${cluster.timeline}`,
    `commits wait for ${quorum}  durability ${cluster.durability}`,
  ];
  if (cluster.primary === null) lines.push(paint('red', 'nobody is primary'));
  if (cluster.paused) lines.push(paint('yellow', 'paused: no automatic change of role'));
  if (cluster.fenced.length > 0) lines.push(paint('yellow', `fenced: ${cluster.fenced.join(', ')}`));
  if (cluster.ending !== null)
    lines.push(`the primary hands over to ${cluster.ending.target}: ${cluster.ending.cause}`);
  // An agent of an earlier version says nothing of it.
  if (cluster.recovery != null) {
    const { id, state, target } = cluster.recovery;
    lines.push(paint('yellow', `recovery ${id} to ${target}: ${state}${whatNext(cluster.recovery)}`));
  }
  if (cluster.switchover !== null) {
    const { target, at } = cluster.switchover;
    lines.push(`switchover to ${target ?? 'the best standby'} ${at === null ? 'asked for' : `at ${at}`}`);
  }
  return lines;
}

/** Who has done its part, or what the person is to do. */
function whatNext({ state, done, paused, by }: RecoveryReport): string {
  // An agent of an earlier version knows no pause.
  if (paused != null)
    return `. ${by} stands there (psql -h ${paused.socketDirectory}) until "pgwarden recover --resume" or --abandon`;
  if (state === 'serving') return '. Nothing is archived until "pgwarden recover --confirm" or --abandon';
  if (state !== 'stopping' && state !== 'abandoning') return '';
  return done.length === 0 ? '' : ` (done: ${done.join(', ')})`;
}

/** A line a member. */
export function memberTable(members: readonly ClusterMember[]): string {
  return renderTable(
    [
      { title: 'MEMBER', cell: (member) => member.name },
      {
        title: 'ROLE',
        cell: (member) => (member.role === 'primary' ? paint('bold', 'primary') : member.role),
      },
      { title: 'STATE', cell: stateCell },
      { title: 'TIMELINE', cell: (member) => orDash(member.timeline), align: 'right' },
      { title: 'LAG', cell: lagCell, align: 'right' },
      { title: 'EPOCH', cell: (member) => orDash(member.epoch), align: 'right' },
      { title: 'SYNC', cell: (member) => member.sync ?? '-' },
      { title: 'ADDRESS', cell: (member) => `${member.host}:${member.port}` },
      { title: 'NOTES', cell: notes },
    ],
    members,
  );
}

const orDash = (value: number | null): string => (value === null ? '-' : String(value));

function stateCell(member: ClusterMember): string {
  const { progress } = member;
  if (progress !== null) {
    const part = progress.fraction === null ? '' : ` ${Math.floor(progress.fraction * 100)} %`;
    return paint('yellow', `${member.state}${part}`);
  }
  if (member.state === 'primary') {
    // Its epoch is not settled, or the record names another: clients are not let in.
    return member.role === 'primary' ? paint('green', 'serving') : paint('yellow', 'primary, not open');
  }
  if (member.state === 'standby' && member.streaming) return paint('green', 'streaming');
  return paint(member.state === 'unreachable' ? 'red' : 'yellow', member.state);
}

function lagCell(member: ClusterMember): string {
  if (member.role === 'primary' || member.lagBytes === null) return '-';
  const { lagBytes, replayLag } = member;
  // With nothing to replay, the age of the last transaction says only how long nobody wrote.
  const late = lagBytes > 0 && replayLag !== null && replayLag >= 1000;
  return `${formatBytes(lagBytes)}${late ? `, ${formatMillis(replayLag)}` : ''}`;
}

function notes(member: ClusterMember): string {
  return [
    member.fenced ? 'fenced' : '',
    member.pendingRestart ? 'restart pending' : '',
    member.tags.nofailover ? 'nofailover' : '',
    member.tags.nosync ? 'nosync' : '',
    member.progress?.detail ?? '',
  ]
    .filter((note) => note !== '')
    .join(', ');
}
