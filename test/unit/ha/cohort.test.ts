import { describe, expect, test } from 'vitest';
import { firstCohort, isLive, nextCohortStep, targetAcks, wantedCohort } from '../../../src/ha/cohort.ts';
import {
  claimsNoMore,
  parseSynchronousStandbyNames,
  sameCohort,
  synchronousStandbyNames,
} from '../../../src/ha/quorum.ts';
import type { Cohort } from '../../../src/ha/record.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import {
  ago,
  cohort,
  deadPeer,
  expecting,
  id,
  ids,
  memberRecord,
  orphanView,
  peer,
  primaryView,
  record,
  settledAs,
  type ViewPatch,
  walsender,
  wonBy,
} from './views.ts';

const cohorts = (members: number, from = 1): Cohort[] => {
  const all: Cohort[] = [];
  for (let mask = 0; mask < 1 << members; mask += 1) {
    const set = Array.from({ length: members }, (_, bit) => bit + from).filter((_, bit) => mask & (1 << bit));
    for (let acks = 0; acks <= set.length; acks += 1) all.push(cohort(acks, ...set));
  }
  return all;
};

interface Walk {
  readonly published: Cohort;
  /** Settings that some backend or walsender may still go by, the newest last: a proof leaves only that. */
  readonly inUse: readonly string[];
  readonly proven: string | null;
}

const settledOn = (some: Cohort): Walk => ({
  published: some,
  inUse: [synchronousStandbyNames(some)],
  proven: null,
});

/** Walks to a cohort as the primary does: every state on the way, the last included. */
function walk(from: Walk, wanted: Cohort): Walk[] {
  const states = [from];
  for (let now = from; states.length < 20; states.push(now)) {
    const names = now.inUse.at(-1) ?? '';
    const step = nextCohortStep(now.published, names, now.proven, wanted);
    switch (step.kind) {
      case 'none':
        return states;
      case 'publish':
        now = { ...now, published: step.cohort };
        break;
      case 'set-names':
        now = { ...now, inUse: [...now.inUse, synchronousStandbyNames(step.cohort)], proven: null };
        break;
      case 'prove':
        now = { ...now, inUse: [names], proven: names };
        break;
    }
  }
  throw new Error(`no end from ${JSON.stringify(from)} to ${JSON.stringify(wanted)}`);
}

function expectSafe({ published, inUse }: Walk): void {
  if (published.acks > published.members.length) expect.fail(JSON.stringify(published));
  for (const names of inUse) {
    const effective = parseSynchronousStandbyNames(names);
    if (effective === null || !claimsNoMore(published, effective)) {
      expect.fail(JSON.stringify({ published, inUse }));
    }
  }
}

describe('changing the cohort', () => {
  test('never claims more than any setting in use gives, and ends, between any two cohorts of up to four', () => {
    const all = cohorts(4);
    for (const from of all) {
      for (const to of all) {
        const states = walk(settledOn(from), to);
        states.forEach(expectSafe);
        const end = states.at(-1);
        expect(end !== undefined && sameCohort(end.published, to)).toBe(true);
        expect(end?.inUse.at(-1)).toBe(synchronousStandbyNames(to));
      }
    }
  });

  test('may turn to another aim at any step, and is as safe', () => {
    const all = cohorts(3);
    for (const from of all) {
      for (const by of all) {
        for (const turn of walk(settledOn(from), by)) {
          for (const to of all) {
            const states = walk(turn, to);
            states.forEach(expectSafe);
            expect(sameCohort(states.at(-1)?.published ?? from, to)).toBe(true);
          }
        }
      }
    }
  });

  test('begins with what Postgres has to give, when it gives less than is published', () => {
    const step = nextCohortStep(cohort(1, 1, 2), '', null, cohort(1, 1, 2));
    expect(step).toMatchObject({ kind: 'set-names', cohort: cohort(1, 1, 2) });
    expect(nextCohortStep(cohort(1, 1, 2), 'ANY 1 ("nobody")', null, cohort(1, 1, 2)).kind).toBe('set-names');
  });

  test('takes out who is gone before it adds anybody', () => {
    const names = synchronousStandbyNames(cohort(1, 1, 2));
    const step = nextCohortStep(cohort(1, 1, 2), names, null, cohort(1, 1, 3));
    expect(step).toMatchObject({ kind: 'set-names', cohort: cohort(1, 1) });
  });

  test('undoes in Postgres alone a removal that is not in effect', () => {
    const step = nextCohortStep(
      cohort(1, 1, 2),
      synchronousStandbyNames(cohort(1, 1)),
      null,
      cohort(1, 1, 2),
    );
    expect(step).toMatchObject({ kind: 'set-names', cohort: cohort(1, 1, 2) });
  });
});

describe('the wanted cohort', () => {
  const wanted = (patch: ViewPatch = {}, of = record()) =>
    wantedCohort(primaryView({ record: of, ...patch }), of);

  test('is who streams', () => {
    expect(wanted()).toEqual(cohort(1, 1, 2));
    expect(wanted({}, record({ settled: settledAs({ cohort: [], acks: 0 }) }))).toEqual(cohort(1, 1, 2));
  });
  test('keeps a member that was lost a moment ago, and drops it after dropAfter', () => {
    const server = { walsenders: [walsender(2)] };
    const replied = (ms: number) => ({ replies: { [id(1)]: ago(ms), [id(2)]: ago(100) } });
    expect(wanted({ server, hold: replied(9_000) })).toEqual(cohort(1, 1, 2));
    expect(wanted({ server, hold: replied(11_000) })).toEqual(cohort(1, 2));
  });
  test('never has fewer members than acks: required keeps the name of a lost one', () => {
    const server = { walsenders: [] };
    expect(wanted({ server, hold: { replies: {} } })).toEqual(cohort(1, 1));
    expect(wanted({ server, hold: { replies: {} }, settings: { durability: 'preferred' } })).toEqual(
      cohort(0),
    );
  });
  test('prefers to keep the living of the lost: a dead incarnation goes first', () => {
    const of = record({ settled: settledAs({ cohort: [id(1, 2), id(2)] }) });
    expect(wanted({ server: { walsenders: [] }, hold: { replies: {} } }, of)).toEqual(cohort(1, 2));
  });
  test('leaves out who is about to end, fenced, tagged nosync, or not expected', () => {
    expect(wanted({ peers: [peer(1, { ending: true }), peer(2)] })).toEqual(cohort(1, 2));
    expect(wanted({}, record({ fenced: ['pg-1'] }))).toEqual(cohort(1, 2));
    const tags = { nofailover: false, nosync: true, priority: 0 };
    expect(wanted({ members: [memberRecord(1, { tags }), memberRecord(2)] })).toEqual(cohort(1, 2));
    expect(wanted({ settings: { ...expecting(2) } })).toEqual(cohort(1, 1));
  });
  test('follows the wish for fewer members down to none', () => {
    expect(wanted({ settings: expecting(1) })).toEqual(cohort(0));
  });
  test('does not shrink because the member records were not seen yet', () => {
    expect(wanted({ members: [] })).toEqual(cohort(1, 1, 2));
  });
  test('adds nobody of whom there is no record: it may be tagged nosync', () => {
    const of = record({ settled: settledAs({ cohort: ids(1) }) });
    expect(wanted({ members: [memberRecord(1)] }, of)).toEqual(cohort(1, 1));
  });
  test('asks for what the settings say, and for half of the standbys otherwise', () => {
    expect(targetAcks(primaryView({ settings: { acks: 2 } }))).toBe(2);
    expect(targetAcks(primaryView({ settings: expecting(5) }))).toBe(2);
    expect(wanted({ settings: { acks: 2 } })).toEqual(cohort(2, 1, 2));
    expect(wanted({ settings: { acks: 0 } })).toEqual(cohort(0, 1, 2));
  });
  test('counts a member only while it streams and replies', () => {
    const view = primaryView({ server: { walsenders: [walsender(1, { streaming: false })] } });
    expect(isLive(view, id(1))).toBe(false);
    expect(
      isLive(primaryView({ server: { walsenders: [walsender(1, { repliedAt: ago(20_000) })] } }), id(1)),
    ).toBe(false);
  });
});

describe('a member that streams without a slot, of which two walsenders could be counted', () => {
  const five = { ...expecting(4), acks: 2 };
  const members = [0, 1, 2, 3].map((index) => memberRecord(index));
  const wanted = (acks: number, slotless: number, ...counted: number[]) => {
    const walsenders = [1, 2, 3].map((index) => walsender(index, { hasSlot: index !== slotless }));
    const of = record({ settled: settledAs({ cohort: ids(...counted), acks }) });
    const view = primaryView({ settings: { ...five, acks }, members, server: { walsenders }, record: of });
    return wantedCohort(view, of);
  };
  test('is not taken in, and goes, where two acknowledgements are asked for', () => {
    expect(wanted(2, 3, 1, 2)).toEqual(cohort(2, 1, 2));
    expect(wanted(2, 3, 1, 2, 3)).toEqual(cohort(2, 1, 2));
    expect(wanted(2, 4, 1, 2)).toEqual(cohort(2, 1, 2, 3));
  });
  test('counts where one suffices: both walsenders are one copy, and one is asked for', () => {
    expect(wanted(1, 3, 1, 2)).toEqual(cohort(1, 1, 2, 3));
  });
  test('never leaves the cohort with fewer members than acknowledgements', () => {
    expect(wanted(2, 2, 1, 2).members).toHaveLength(2);
  });
});

describe('the cohort of a new epoch', () => {
  const first = (patch: ViewPatch = {}, promised = ids(1, 2), of = wonBy(1)) =>
    firstCohort(orphanView({ record: of, ...patch }), of, promised);

  test('is who promised, without itself', () => {
    expect(first()).toEqual(cohort(1, 2));
  });
  test('holds the name of one that cannot answer rather than a promise less', () => {
    expect(first({ peers: [deadPeer(0), deadPeer(2)] }, ids(1))).toMatchObject({
      acks: 1,
      members: [expect.anything()],
    });
    expect(
      first({ peers: [deadPeer(0), deadPeer(2)], settings: { durability: 'preferred' } }, ids(1)),
    ).toEqual(cohort(0));
  });
  test('always has at least as many members as acks', () => {
    for (const old of cohorts(4, 0)) {
      for (const durability of ['required', 'preferred'] as const) {
        const settled = settledAs({ cohort: old.members, acks: old.acks, primary: id(4) });
        const of = wonBy(1, { settled });
        const made = first({ settings: { durability, ...expecting(5) } }, ids(1), of);
        expect(made.members.length, JSON.stringify({ old, made })).toBeGreaterThanOrEqual(made.acks);
        expect(made.members).not.toContain(id(1));
      }
    }
  });
  test('is asynchronous at the beginning of a cluster', () => {
    const settled = { epoch: epoch(0), primary: null, timeline: timelineId(0), cohort: [], acks: 0 };
    expect(first({}, [], wonBy(1, { settled })).acks).toBe(0);
  });
  test('waits for an acknowledgement after a record was rebuilt, which has no settled epoch either', () => {
    const settled = {
      epoch: epoch(0),
      primary: null,
      timeline: timelineId(0),
      cohort: ids(0, 1, 2),
      acks: 1,
    };
    expect(first({}, ids(0, 1, 2), wonBy(1, { settled })).acks).toBe(1);
  });
});
