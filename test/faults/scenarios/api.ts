import { deleteLease, editLease, getLease, type LeaseObject, recordOf } from '../../e2e/leases.ts';
import { waitFor } from '../../e2e/wait-for.ts';
import type { GateMode } from '../stage/api-gate.ts';
import type { Stage } from '../stage/stage.ts';
import { type Heal, nothingToHeal, type Scenario, scenario } from './scenario.ts';

const BY_HAND = 'somebody/else/by-hand';
const RECORD = 'pgwarden.dev/record';

async function allGates(stage: Stage, mode: GateMode): Promise<Heal> {
  const become = async (next: GateMode) => {
    for (const name of stage.places) await stage.gate(name).become(next);
  };
  await become(mode);
  return () => become({ kind: 'pass' });
}

const served = (stage: Stage): { readonly api: string } => ({ api: stage.apiUrl });

/** The Lease after somebody edited it is put right, and the same member is primary. */
const edited = (id: string, title: string, change: (now: LeaseObject) => LeaseObject): Scenario =>
  scenario({
    id,
    title,
    isCombinable: false,
    longestGapMillis: 25_000,
    async inject({ stage }) {
      const before = await getLease(served(stage));
      await editLease(served(stage), change);
      await waitFor('the record to be put right', async () => {
        const now = await getLease(served(stage));
        return (
          now.spec.leaseTransitions >= before.spec.leaseTransitions &&
          now.spec.holderIdentity !== BY_HAND &&
          recordOf(now).clusterUID === recordOf(before).clusterUID
        );
      });
      return nothingToHeal;
    },
  });

export const api: readonly Scenario[] = [
  scenario({
    id: 'api-down',
    title: 'API refuses connections for 20 s: nobody is replaced',
    holdMillis: 20_000,
    longestGapMillis: 3000,
    isCombinable: true,
    inject: ({ stage }) => allGates(stage, { kind: 'down' }),
  }),
  scenario({
    id: 'api-silent',
    title: 'API takes requests and never answers, 20 s',
    holdMillis: 20_000,
    longestGapMillis: 3000,
    inject: ({ stage }) => allGates(stage, { kind: 'silent' }),
  }),
  scenario({
    id: 'api-slow',
    title: 'every API request takes 5 s more, for 20 s',
    holdMillis: 20_000,
    longestGapMillis: 3000,
    inject: ({ stage }) => allGates(stage, { kind: 'slow', millis: 5000 }),
  }),
  scenario({
    id: 'api-storm',
    title: '409, 429 and 500 for 70 % of the API requests; the primary is killed meanwhile',
    holdMillis: 20_000,
    longestGapMillis: 40_000,
    async inject({ stage, sleep }) {
      const heal = await allGates(stage, { kind: 'storm', statuses: [409, 429, 500], share: 0.7 });
      await sleep(3000);
      stage.member(await stage.primary()).kill();
      return heal;
    },
  }),
  scenario({
    id: 'api-lost-replies',
    title: 'half of the replies to API writes are lost after the change; the primary is killed meanwhile',
    holdMillis: 20_000,
    longestGapMillis: 40_000,
    async inject({ stage, sleep }) {
      const heal = await allGates(stage, { kind: 'lose-replies', share: 0.5 });
      await sleep(3000);
      stage.member(await stage.primary()).kill();
      return heal;
    },
  }),
  scenario({
    id: 'api-stalled-watches',
    title: 'watches stay open and tell nothing; the primary is killed meanwhile',
    holdMillis: 15_000,
    longestGapMillis: 25_000,
    async inject({ stage, sleep }) {
      const heal = await allGates(stage, { kind: 'stall-watches' });
      await sleep(2000);
      stage.member(await stage.primary()).kill();
      return heal;
    },
  }),
  scenario({
    id: 'api-killed',
    title: 'API process killed; it comes back',
    longestGapMillis: 3000,
    async inject({ stage }) {
      process.kill(stage.apiPid, 'SIGKILL');
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'api-down-primary-only',
    title: 'API away for the primary alone: it serves on as long as its quorum answers',
    holdMillis: 20_000,
    longestGapMillis: 3000,
    async inject({ stage }) {
      const gate = stage.gate(await stage.primary());
      await gate.become({ kind: 'down' });
      return () => gate.become({ kind: 'pass' });
    },
  }),
  scenario({
    id: 'lease-deleted',
    title: 'Lease deleted: made again under the same primary',
    longestGapMillis: 3000,
    async inject({ stage }) {
      await deleteLease(served(stage));
      await waitFor('the Lease', () => getLease(served(stage)));
      return nothingToHeal;
    },
  }),
  edited('lease-holder-edited', 'Lease edited by hand: another holderIdentity', (now) => ({
    ...now,
    spec: { ...now.spec, holderIdentity: BY_HAND },
  })),
  edited('lease-epoch-lowered', 'Lease edited by hand: epoch 1', (now) => ({
    ...now,
    metadata: {
      ...now.metadata,
      annotations: {
        ...now.metadata.annotations,
        [RECORD]: JSON.stringify({ ...recordOf(now), epoch: 1 }),
      },
    },
    spec: { ...now.spec, leaseTransitions: 1 },
  })),
  scenario({
    id: 'lease-garbled',
    title: 'Lease edited by hand: its record is no JSON; the primary serves on and makes it anew',
    longestGapMillis: 3000,
    isCombinable: false,
    async inject({ stage, note }) {
      const before = await getLease(served(stage));
      const began = performance.now();
      await editLease(served(stage), (now) => ({
        ...now,
        metadata: { ...now.metadata, annotations: { ...now.metadata.annotations, [RECORD]: '{"epo' } },
      }));
      await waitFor('the record to be made anew', async () => {
        const now = await getLease(served(stage));
        return recordOf(now).clusterUID === recordOf(before).clusterUID;
      });
      note(`made anew after ${Math.round(performance.now() - began)} ms`);
      return nothingToHeal;
    },
  }),
];
