import { type MemberIncarnation, type MemberName, memberOf } from './member.ts';
import type { PromiseAnswer } from './peer.ts';
import { comparePositions, compareStandings, lastLed, type Standing } from './position.ts';
import { countIn, promisesNeeded } from './quorum.ts';
import type { HistoryEntry } from './record.ts';
import type { Epoch } from './units.ts';
import type { Recruitment } from './view.ts';

export type Choice =
  /** Not enough promises yet. */
  | { readonly kind: 'open'; readonly have: number; readonly need: number }
  /** Every answer is in and they do not suffice. */
  | { readonly kind: 'failed'; readonly reason: string; readonly promised: Epoch }
  | { readonly kind: 'lead'; readonly proof: string }
  /** Another member stands better: by position, priority, or what decides between equals. */
  | { readonly kind: 'yield'; readonly to: MemberName }
  /** The best may not lead: the difference is streamed from it first. */
  | { readonly kind: 'catch-up'; readonly from: MemberIncarnation; readonly answer: Granted };

export type Granted = Extract<PromiseAnswer, { granted: true }>;

/** The promises for this epoch, each identity once. */
export function grantedOf(recruitment: Recruitment): readonly Granted[] {
  const byIdentity = new Map<MemberIncarnation, Granted>();
  for (const answer of recruitment.answers) {
    if (answer.granted && answer.epoch === recruitment.epoch) byIdentity.set(answer.identity, answer);
  }
  return [...byIdentity.values()];
}

/**
 * Who leads, by the promises at hand: with `n - k + 1` promises of the settled cohort, or that of the last settled
 * epoch's primary (its WAL holds everything that it acknowledged), the best position.
 */
export function choose(recruitment: Recruitment, self: MemberName): Choice {
  const { settled } = recruitment.base.record;
  const granted = grantedOf(recruitment);
  const have = countIn(
    settled.cohort,
    granted.map((answer) => answer.identity),
  );
  const need = promisesNeeded({ members: settled.cohort, acks: settled.acks });
  const primary = granted.some((answer) => answer.identity === settled.primary);
  if (!primary && (settled.acks === 0 || have < need)) {
    if (!recruitment.complete) return { kind: 'open', have, need };
    return {
      kind: 'failed',
      reason: failure(recruitment, have, need),
      promised: highestPromise(recruitment),
    };
  }
  const own = granted.find((answer) => memberOf(answer.identity) === self);
  if (own === undefined) return { kind: 'open', have, need };
  const { history } = recruitment.base.record;
  const byStanding = (a: Granted, b: Granted) => compareStandings(standing(a, history), standing(b, history));
  const best = [...granted].sort(byStanding)[0] ?? own;
  if (best === own)
    return {
      kind: 'lead',
      proof: primary ? 'the last primary promised' : `${have} of ${settled.cohort.length} promised`,
    };
  if (best.mayLead) return { kind: 'yield', to: memberOf(best.identity) };
  if (comparePositions(best.position, own.position) > 0) {
    return { kind: 'catch-up', from: best.identity, answer: best };
  }
  const bestLeader = granted.filter((answer) => answer.mayLead).sort(byStanding)[0];
  if (bestLeader === undefined || bestLeader === own)
    return { kind: 'lead', proof: 'the better may not lead' };
  return { kind: 'yield', to: memberOf(bestLeader.identity) };
}

function standing({ identity, position, priority }: Granted, history: readonly HistoryEntry[]): Standing {
  const member = memberOf(identity);
  return { member, position, priority, lastLed: lastLed(history, member) };
}

function failure(recruitment: Recruitment, have: number, need: number): string {
  const refusals = recruitment.answers.flatMap((answer) =>
    answer.granted ? [] : [`${answer.member}: ${answer.reason}`],
  );
  return `${have} of ${need} needed promises${refusals.length > 0 ? ` (${refusals.join('; ')})` : ''}`;
}

function highestPromise(recruitment: Recruitment): Epoch {
  let highest = recruitment.epoch;
  for (const answer of recruitment.answers) {
    if (!answer.granted && answer.promise > highest) highest = answer.promise;
  }
  return highest;
}
