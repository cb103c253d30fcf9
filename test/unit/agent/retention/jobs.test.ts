import { expect, test } from 'vitest';
import { Jobs } from '../../../../src/agent/retention/jobs.ts';
import { quietLog } from './quiet-log.ts';

const RETENTION = { kind: 'retention', dryRun: false } as const;
const VERIFY = { kind: 'verify', backup: null, contents: false, wal: false } as const;

test('what deletes is in the way of what deletes, and of nothing else', async () => {
  const jobs = new Jobs(quietLog().log);
  const work = Promise.withResolvers<void>();
  jobs.begin(RETENTION, () => work.promise);
  expect([jobs.busyWith('retention'), jobs.busyWith('delete')]).toEqual(['retention', 'retention']);
  expect([jobs.busyWith('verify'), jobs.busyWith('drill')]).toEqual([null, null]);
  work.resolve();
  await jobs.close();
  expect(jobs.busyWith('delete')).toBeNull();
});

test('an outcome is bad where the work failed or found something, and is told so in the log', async () => {
  const { log, lines } = quietLog();
  const jobs = new Jobs(log);
  expect(jobs.outcomeOf('verify')).toBeNull();
  jobs.begin(VERIFY, async () => ({ ok: false, findings: [] }));
  jobs.begin(RETENTION, async () => {
    throw Object.assign(new Error('no such bucket'), { code: 'STORE_MISSING', remedy: 'make it' });
  });
  await jobs.close();
  expect([jobs.outcomeOf('verify')?.ok, jobs.outcomeOf('retention')?.ok]).toEqual([false, false]);
  expect(jobs.reports().map(({ kind, state, error }) => [kind, state, error])).toEqual([
    ['verify', 'done', null],
    ['retention', 'failed', { code: 'STORE_MISSING', message: 'no such bucket', remedy: 'make it' }],
  ]);
  expect(lines.map(({ level, event }) => `${level} ${event}`).sort()).toEqual([
    'error job.bad',
    'error job.failed',
    'info job.begun',
    'info job.begun',
  ]);
});

test('closing cancels what runs, and waits until it has cleared up', async () => {
  const jobs = new Jobs(quietLog().log);
  const steps: string[] = [];
  jobs.begin(VERIFY, async (_job, signal) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    steps.push('cleared up');
  });
  await jobs.close();
  expect(steps).toEqual(['cleared up']);
});
