import { expect, test } from 'vitest';
import { catalogProblems } from '../../../../src/agent/retention/problems.ts';
import { catalogReport } from '../../../../src/agent/retention/report.ts';
import type { ArchiveOverview } from '../../../../src/archive/catalog/overview.ts';
import type { DrillResult } from '../../../../src/archive/drill/result.ts';

const AT = '2026-05-01T10:00:00.250Z';
const GOOD: DrillResult = {
  format: 1,
  ok: true,
  member: 'pg-1',
  archive: 'file:///archive',
  startedAt: AT,
  endedAt: AT,
  backup: 'base_1',
  backupFinishedAt: AT,
  recoveredTo: '0/5000000',
  timeline: 2,
  lastCommitAt: AT,
  restoredBytes: 1,
  times: { unpack: 1, recover: 1, check: 1 },
  manifest: 'checked',
  amcheck: 'passed',
  amcheckSaid: null,
  databases: [],
  rows: 7,
  checks: [],
  error: null,
};
const noOutcome = { outcomeOf: () => null };

test('a member that has not looked at the archive says that it does not know', () => {
  const report = catalogReport({ seen: null, drills: { last: null, lastGood: null } }, noOutcome);
  expect(new Set(Object.values(report))).toEqual(new Set([null]));
  expect(catalogProblems(report)).toEqual([]);
});

test('the first recoverable time is that of the timeline that the cluster is on', () => {
  const seen = {
    timeline: 3,
    walBytes: 10,
    holes: [],
    backups: [{ storedBytes: 1 }, { storedBytes: 2 }],
    intervals: [
      { timeline: 2, fromTime: '2026-01-01T00:00:00Z' },
      { timeline: 3, fromTime: '2026-02-01T00:00:00Z' },
    ],
  } as unknown as ArchiveOverview;
  const report = catalogReport({ seen, drills: { last: GOOD, lastGood: GOOD } }, noOutcome);
  expect(report).toMatchObject({ firstRecoverable: '2026-02-01T00:00:00Z', storedBytes: 13, backups: 2 });
  expect(report.lastGoodDrill).toMatchObject({ ok: true, member: 'pg-1', rows: 7, failure: null });
  expect(catalogProblems(report)).toEqual([]);
});

test('a drill that was not good is a problem that names what was wrong', () => {
  const check = { name: 'orders', ok: false, said: 'f', milliseconds: 1 };
  const bad: DrillResult = { ...GOOD, ok: false, amcheck: 'failed', checks: [check] };
  const report = catalogReport({ seen: null, drills: { last: bad, lastGood: GOOD } }, noOutcome);
  expect(report.lastDrill?.failure).toBe('pg_amcheck found damage; the check "orders" failed: f');
  expect(catalogProblems(report)).toMatchObject([{ code: 'DRILL_BAD' }]);
});

test('a verification that found something is a problem', () => {
  const report = catalogReport(
    { seen: null, drills: { last: null, lastGood: null } },
    { outcomeOf: (kind) => (kind === 'verify' ? { ok: false, endedAt: AT } : null) },
  );
  expect(catalogProblems(report)).toMatchObject([{ code: 'VERIFY_BAD' }]);
});
