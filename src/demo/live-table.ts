import { styleText } from 'node:util';
import { formatBytes } from '../commands/output/quantity.ts';
import { renderTable } from '../commands/output/table.ts';
import { activity, doesItsPart, type Observation, servingPrimary } from './observe.ts';

/** A line a member: role, state, timeline, lag, epoch. */
export function liveTable(observations: readonly Observation[], stream: NodeJS.WriteStream): string {
  const primary = servingPrimary(observations);
  const state = ({ status }: Observation): string => {
    const well = primary !== null && doesItsPart(status, primary);
    return styleText(well ? 'green' : status === null ? 'red' : 'yellow', activity(status), { stream });
  };
  return renderTable<Observation>(
    [
      { title: 'MEMBER', cell: ({ member }) => member.name },
      { title: 'ROLE', cell: ({ status }) => status?.role ?? '-' },
      { title: 'STATE', cell: state },
      { title: 'TIMELINE', cell: ({ status }) => String(status?.timeline ?? '-'), align: 'right' },
      { title: 'LAG', cell: lag, align: 'right' },
      { title: 'EPOCH', cell: ({ status }) => String(status?.epoch ?? '-'), align: 'right' },
      { title: 'PORT', cell: ({ member }) => String(member.port), align: 'right' },
      { title: 'HTTP', cell: ({ member }) => String(member.httpPort), align: 'right' },
    ],
    observations,
  );
}

function lag({ status }: Observation): string {
  if (status === null || status.role === 'primary' || status.lagBytes === null) return '-';
  return formatBytes(status.lagBytes);
}
