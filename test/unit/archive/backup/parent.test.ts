import { expect, it } from 'vitest';
import { withParent } from '../../../../src/archive/backup/label.ts';
import { leadsTo, type Parent } from '../../../../src/archive/backup/parent.ts';
import type { Lsn } from '../../../../src/ha/lsn.ts';
import { timelineId } from '../../../../src/ha/units.ts';
import { backupOf } from '../catalog/archives.ts';

const lsn = (text: string) => text as Lsn;
const backup = backupOf('a', 1, 2);
const fork = (timeline: number, switchLsn: string) => ({
  timeline: timelineId(timeline),
  switchLsn: lsn(switchLsn),
});

function parent(end: string, timeline = 1): Parent {
  const ranges = [{ timeline, start: lsn('0/2000028'), end: lsn(end) }];
  return { backup, root: backup, depth: 0, manifest: { files: new Map(), ranges } };
}

const start = { timeline: timelineId(3), lsn: lsn('0/9000028') };

it.each([
  ['its own timeline, before its start', parent('0/9000000', 3), [], true],
  ['its own timeline, behind its start', parent('0/A000000', 3), [], false],
  ['a timeline that it came from, up to the fork', parent('0/5000000'), [fork(1, '0/5000000')], true],
  ['a timeline that it left before the parent had ended', parent('0/5000100'), [fork(1, '0/5000000')], false],
  ['a timeline that it never was on', parent('0/5000000', 2), [fork(1, '0/4000000')], false],
])('an increment goes by a parent on %s: %#', (_, of, forks, leads) => {
  expect(leadsTo(of, start, forks)).toBe(leads);
});

it('the label names what the increment is of', () => {
  const label = withParent('START WAL LOCATION: 0/9000028 (file 000000030000000000000009)\n', backup);
  expect(label).toMatch(/\nINCREMENTAL FROM LSN: \S+\nINCREMENTAL FROM TLI: 1\n$/);
});
