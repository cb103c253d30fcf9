import type { Decision } from '../../../src/ha/decision.ts';
import type { Random } from '../engine/random.ts';
import type { Setup } from '../schedule.ts';
import type { Script } from '../scripts/script.ts';
import { FAULT_KINDS, type FaultKind } from './acts.ts';
import type { Fault } from './fault.ts';
import type { Theme } from './themes.ts';

export interface Frame {
  readonly members: number;
  readonly begin: number;
  readonly end: number;
  readonly isLong: boolean;
  readonly setup: Setup;
  readonly theme: Theme | null;
  readonly script: Script | null;
}

/** Too much of these, and little else happens. */
const RARE = new Set<FaultKind>([
  'record deleted',
  'record restored',
  'volume and record lost',
  'all killed',
  'paused',
]);

/** All but what takes the promises back, or the whole cluster: those have scripts of their own. */
const BY_CHANCE = FAULT_KINDS.filter((kind) => kind !== 'names edited' && !kind.startsWith('recovery '));

/** Decisions that a fault may wait for: those that change something. */
const MOMENTS: readonly Decision['kind'][] = [
  'recruit',
  'yield',
  'catch-up',
  'win',
  'promote',
  'write-epoch-row',
  'settle',
  'mark-settled',
  'open-door',
  'close-door',
  'set-names',
  'prove-names',
  'swap-record',
  'announce-end',
  'release',
  'stop',
  'start-standby',
  'follow',
  'rewind',
  'clone',
  'hold-members',
];

/**
 * The faults of a schedule. Each schedule has a subset of the kinds of its own ("swarm testing", Groce et al. 2012: what
 * is left out lets the rest come to its consequences); most of them one of the themes or a script; some faults wait for a
 * decision rather than for a time.
 */
export function planFaults(random: Random, frame: Frame): Fault[] {
  const { theme, script } = frame;
  const kinds = theme === null ? swarm(random) : theme.kinds;
  const most = frame.isLong || theme !== null ? 9 : 7;
  const count = script === null ? random.whole(1, most) : random.whole(0, 2);
  const eager = random.pick([0, 0.2, 0.5]);
  const burst = random.pick([0.2, 0.7]);
  const span = frame.isLong ? 14_000 : 4_000;
  const least = theme?.isPatient === true ? 500 : random.pick([20, 300]);
  const scripted = script?.write(random, frame.begin, frame.members) ?? [];
  const faults: Fault[] = [...scripted];
  // Early mostly: what a fault brings about takes a while, and ends with the faults.
  let before = frame.begin + (frame.end - frame.begin) * random.next() ** 2;
  const lost = {
    record: scripted.some(({ kind }) => kind.startsWith('record ')),
    volume: scripted.some(({ kind }) => kind === 'volume lost'),
  };
  const isRecovery = scripted.some(({ kind }) => kind.startsWith('recovery '));
  for (let index = 0; index < count; index++) {
    let kind = random.pick(kinds);
    if (RARE.has(kind) && random.chance(0.5)) kind = random.pick(kinds);
    const soon = random.chance(burst);
    before = soon ? before + random.between(0, 700) : random.between(frame.begin, frame.end);
    before = Math.min(before, frame.end);
    const moment = random.pick(theme?.moments ?? MOMENTS);
    const waits = random.chance(eager);
    const fault: Fault = {
      at: Math.round(waits ? frame.begin + (before - frame.begin) * 0.6 : before),
      kind,
      member: random.chance(0.45)
        ? -1
        : waits && random.chance(0.6)
          ? -2
          : random.whole(0, frame.members - 1),
      other: random.chance(0.15) ? -1 : random.whole(0, frame.members - 1),
      duration: Math.round(Math.exp(random.between(Math.log(least), Math.log(span)))),
      amount: random.next(),
      ...(waits ? { on: { decision: moment, delay: Math.round(delay(random)) } } : {}),
    };
    // A record that is lost in a recovery in place is for a person to mend.
    const isMendable = !isRecovery || !fault.kind.includes('record ');
    if (isMendable && isPossible(fault.kind, frame, lost)) faults.push(fault);
  }
  return faults.sort((a, b) => a.at - b.at);
}

function swarm(random: Random): readonly FaultKind[] {
  const share = random.pick([0.15, 0.35, 0.7]);
  const kinds = BY_CHANCE.filter(() => random.chance(share));
  return kinds.length === 0 ? BY_CHANCE : kinds;
}

/** After a decision: at once, within its work, or soon. */
function delay(random: Random): number {
  return random.pick([0, random.between(0, 5), random.between(0, 60), random.between(0, 800)]);
}

/** What is beyond the protocol is not asked of it; the reasons are told in the README. */
function isPossible(kind: FaultKind, frame: Frame, lost: { record: boolean; volume: boolean }): boolean {
  if (kind === 'volume lost' || kind === 'volume and record lost') {
    if (lost.record || lost.volume || frame.members < 2) return false;
    lost.volume = true;
    lost.record = kind !== 'volume lost';
  }
  if (kind === 'record deleted' || kind === 'record restored') {
    if (lost.volume) return false;
    lost.record = true;
  }
  // A machine that stood still may acknowledge a last commit before its guard looks: asynchronous fencing assumes none.
  return !frame.setup.asynchronous || (kind !== 'machine frozen' && kind !== 'record restored');
}

/** After these a member may be out of the others' reach for a while. */
const OUT_OF_REACH = /cut|isolated|goes out|comes in|frozen|killed|off|lossy|lost|ended|fenced|restart|slow/;

/** Whether every member can be asked at any time. */
export function staysInReach(faults: readonly Fault[]): boolean {
  return !faults.some((fault) => OUT_OF_REACH.test(fault.kind));
}
