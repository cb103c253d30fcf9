import type { DemoDescription } from '../demo/describe.ts';
import { renderTable } from './output/table.ts';

const orDash = (value: number | null): string => (value === null ? '-' : String(value));

/** A demo for people: a line a member. */
export function demoTable(description: DemoDescription): string {
  return renderTable(
    [
      { title: 'MEMBER', cell: (member) => member.name },
      { title: 'ROLE', cell: (member) => member.role },
      { title: 'ADDRESS', cell: (member) => `${member.host}:${member.port}` },
      { title: 'AGENT', cell: (member) => member.http },
      { title: 'AGENT PID', cell: (member) => orDash(member.agentPid), align: 'right' },
      { title: 'POSTGRES PID', cell: (member) => orDash(member.postgresPid), align: 'right' },
    ],
    description.members,
  );
}
