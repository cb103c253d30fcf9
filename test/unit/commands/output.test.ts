import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { historyTable } from '../../../src/commands/history.ts';
import { requestedFormat } from '../../../src/commands/output/format.ts';
import { formatBytes, formatMillis } from '../../../src/commands/output/quantity.ts';
import { renderTable } from '../../../src/commands/output/table.ts';
import { restartOrder } from '../../../src/commands/restart.ts';
import { statusTable } from '../../../src/commands/status-table.ts';
import { aCluster, aMember } from './speaking-agent.ts';

test('columns are as wide as their widest cell, colours not counted', () => {
  const rows = [
    { name: 'a', size: '1' },
    { name: '\u001b[32mlonger\u001b[39m', size: '100' },
  ];
  const table = renderTable(
    [
      { title: 'NAME', cell: (row) => row.name },
      { title: 'SIZE', cell: (row) => row.size, align: 'right' },
    ],
    rows,
  );
  expect(stripVTControlCharacters(table)).toBe('NAME    SIZE\na          1\nlonger   100');
});

test('bytes and durations are written for people', () => {
  expect([0, 1023, 1536, 16 * 1024 ** 2, 3 * 1024 ** 4].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.5 kB',
    '16 MB',
    '3 TB',
  ]);
  expect([12, 1500, 61_000, 7_200_000].map(formatMillis)).toEqual(['12 ms', '1.5 s', '1 min', '2 h']);
});

test.each([
  [['status', '-o', 'json'], 'json'],
  [['status', '--output=yaml'], 'yaml'],
  [['status', '-ojson'], 'json'],
  [['status'], 'table'],
  [['run', '--', '-o', 'json'], 'table'],
  [['status', '-o', 'xml'], 'table'],
])('%j asks for %s', (argv, format) => {
  expect(requestedFormat(argv)).toBe(format);
});

test('the status shows every member, the epoch and what commits wait for', () => {
  const text = statusTable(aCluster());
  expect(text).toContain('commits wait for any 1 of 2');
  expect(text).toMatch(/pg-0 +primary +serving/);
  expect(text).toMatch(/pg-2 +standby +streaming +1 +2 kB/);
});

test('the status says what is out of the ordinary', () => {
  const text = statusTable(aCluster({ primary: null, paused: true, fenced: ['pg-1'], settledEpoch: 0 }));
  expect(text).toContain('nobody is primary');
  expect(text).toContain('paused');
  expect(text).toContain('fenced: pg-1');
  expect(text).toContain('(settled: 0)');
});

test('the status says that a recovery in place waits for a word', () => {
  const recovery = {
    id: 'abcd0123',
    state: 'serving',
    target: 'the time 2030-01-31 03:00:00+00',
    backup: 'base_1',
    by: 'pg-0',
    at: '2030-01-31T04:00:00Z',
    done: ['pg-0', 'pg-1'],
  } as const;
  expect(statusTable(aCluster({ recovery }))).toContain('pgwarden recover --confirm');
  const stopping = statusTable(aCluster({ recovery: { ...recovery, state: 'stopping' } }));
  expect(stopping).toContain('stopping (done: pg-0, pg-1)');
});

test('the history is a table, or says that there is none', () => {
  expect(historyTable([])).toBe('no primary yet');
  const entry = {
    epoch: 1,
    timeline: 1,
    primary: 'pg-0-0000000a',
    at: 'now',
    cause: 'bootstrap',
    switchLsn: null,
  };
  expect(historyTable([entry as never])).toContain('bootstrap');
});

test('the primary is restarted last', () => {
  expect(restartOrder(aCluster(), undefined).map(({ name }) => name)).toEqual(['pg-1', 'pg-2', 'pg-0']);
  const members = [aMember('pg-0')];
  expect(() => restartOrder(aCluster({ members }), 'pg-9')).toThrow('no member pg-9');
});
