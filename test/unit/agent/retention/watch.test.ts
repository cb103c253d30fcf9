import { expect, test } from 'vitest';
import { ArchiveWatch, type WatchOptions } from '../../../../src/agent/retention/watch.ts';
import type { ArchiveOverview } from '../../../../src/archive/catalog/overview.ts';
import type { DrillRecord, DrillResult } from '../../../../src/archive/drill/result.ts';
import type { JobRequest } from '../../../../src/http/catalog-report.ts';
import { quietLog } from './quiet-log.ts';

const NO_DRILL: DrillRecord = { last: null, lastGood: null };
const drilledAt = (at: Date): DrillRecord => ({
  last: { startedAt: at.toISOString() } as DrillResult,
  lastGood: null,
});

/** An archive that is looked at, and what is begun on it. */
class Seen {
  leads = true;
  newest: string | null = null;
  backups = 1;
  drills = NO_DRILL;
  looks = 0;
  drillLooks = 0;
  readonly begun: JobRequest['kind'][] = [];
  readonly lines = quietLog();
  refuses = false;
  fails = false;

  watch(schedules: { readonly retention?: string; readonly drill?: string } = {}): ArchiveWatch {
    const { retention = null, drill = null } = schedules;
    return new ArchiveWatch({
      configuration: {
        retention: {
          window: null,
          count: retention === null ? null : 1,
          schedule: retention ?? '0 0 1 1 *',
          timeZone: 'UTC',
        },
        drill: { schedule: drill, timeZone: 'UTC' },
      } as WatchOptions['configuration'],
      leads: () => this.leads,
      newestBackup: () => this.newest,
      overview: async () => {
        if (this.fails) throw new Error('the store is away');
        this.looks++;
        return { backups: Array(this.backups).fill({}) } as unknown as ArchiveOverview;
      },
      drills: async () => {
        this.drillLooks++;
        return this.drills;
      },
      begin: async (request) => {
        this.begun.push(request.kind);
        return this.refuses
          ? { refused: { code: 'MEMBER_UNFIT', message: 'nobody', remedy: '' }, status: 412 }
          : { message: '', member: 'pg-0', id: '1' };
      },
      log: this.lines.log,
    });
  }
}

test('only the primary looks, and one that no longer is forgets what it saw', async () => {
  const seen = new Seen();
  const watch = seen.watch();
  await watch.look();
  expect(watch.seen?.backups).toHaveLength(1);
  seen.leads = false;
  await watch.look();
  expect([watch.seen, seen.looks]).toEqual([null, 1]);
  seen.leads = true;
  await watch.look();
  expect(seen.looks).toBe(2);
});

test('looks again at once when there is a new backup or something was removed, else not', async () => {
  const seen = new Seen();
  const watch = seen.watch();
  await watch.look();
  await watch.look();
  expect(seen.looks).toBe(1);
  seen.newest = 'base_1';
  await watch.look();
  await watch.look();
  expect(seen.looks).toBe(2);
  watch.changed(null);
  await watch.look();
  expect(seen.looks).toBe(3);
});

test('a drill of another member is looked out for until its result is there', async () => {
  const seen = new Seen();
  const watch = seen.watch();
  await watch.look();
  watch.expectDrill();
  await watch.look();
  expect([seen.drillLooks, watch.drills.last]).toEqual([2, null]);
  seen.drills = drilledAt(new Date());
  await watch.look();
  await watch.look();
  expect([seen.drillLooks, watch.drills]).toEqual([3, seen.drills]);
});

test('what is due is begun once', async () => {
  const seen = new Seen();
  const watch = seen.watch({ retention: '0 * * * *', drill: '0 * * * *' });
  await watch.look();
  await watch.look();
  expect(seen.begun).toEqual(['retention', 'drill']);
});

test('a drill that another primary has had held since the last look is not held again', async () => {
  const seen = new Seen();
  seen.drills = drilledAt(new Date());
  await seen.watch({ drill: '0 0 1 1 *' }).look();
  expect(seen.begun).toEqual([]);
});

test('no drill is due without a backup, and a refused one is told', async () => {
  const seen = new Seen();
  seen.backups = 0;
  seen.refuses = true;
  const watch = seen.watch({ drill: '0 * * * *' });
  await watch.look();
  expect(seen.begun).toEqual([]);
  seen.backups = 1;
  seen.newest = 'base_1';
  await watch.look();
  expect(seen.begun).toEqual(['drill']);
  expect(seen.lines.lines.map(({ event }) => event)).toEqual(['job.refused']);
});

test('a store that is away is told, and looked at again', async () => {
  const seen = new Seen();
  seen.fails = true;
  const watch = seen.watch();
  await watch.look();
  expect(seen.lines.lines.map(({ event }) => event)).toEqual(['catalog.failed']);
  seen.fails = false;
  await watch.look();
  expect(seen.looks).toBe(1);
});
