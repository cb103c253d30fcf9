import { type Observation, phase } from './observe.ts';

/** What is told of a member when it changes. */
export interface MemberView {
  readonly role: string;
  readonly activity: string;
  readonly epoch: number | null;
}

export type View = ReadonlyMap<string, MemberView>;

export function viewOf(observations: readonly Observation[]): View {
  return new Map(
    observations.map(({ member, status }) => [
      member.name,
      { role: status?.role ?? 'unknown', activity: phase(status), epoch: status?.epoch ?? null },
    ]),
  );
}

/** A sentence for each member that is not as it was. Pure. */
export function changesBetween(before: View, now: View): readonly string[] {
  const lines: string[] = [];
  for (const [name, member] of now) {
    const previous = before.get(name);
    if (previous?.role === member.role && previous.activity === member.activity) continue;
    // Not heard of so far: nothing changed yet.
    if (previous === undefined && member.role === 'unknown') continue;
    if (member.role === 'primary' && previous?.role !== 'primary') {
      lines.push(`${name}: primary of epoch ${member.epoch} (${member.activity})`);
    } else {
      lines.push(`${name}: ${member.activity}`);
    }
  }
  return lines;
}
