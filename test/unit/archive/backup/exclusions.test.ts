import { describe, expect, test } from 'vitest';
import {
  isExcludedName,
  isExcludedRelation,
  isKeptEmpty,
  isRelationDirectory,
  pagesOf,
  unloggedRelations,
  walDirectories,
} from '../../../../src/archive/backup/exclusions.ts';

describe('what a backup leaves out', () => {
  test.each([
    'pgsql_tmp',
    'pgsql_tmp1234.5',
    'pg_internal.init',
    'pg_internal.init.4711',
    'postmaster.pid',
    'postmaster.opts',
    'backup_label',
    'tablespace_map',
    'backup_manifest',
    'postgresql.auto.conf.tmp',
    'current_logfiles.tmp',
  ])('is %s', (name) => expect(isExcludedName(name)).toBe(true));

  test.each(['PG_VERSION', 'postgresql.auto.conf', 'backup_label.old', 'pg_filenode.map', 'standby.signal'])(
    'is not %s',
    (name) => expect(isExcludedName(name)).toBe(false),
  );

  test('are temporary relations, and all forks but the first of unlogged ones', () => {
    const unlogged = unloggedRelations(['100', '100_init', '100_fsm', '100.1', '200', '300_init.1']);
    expect([...unlogged].sort()).toEqual(['100', '300']);
    const out = ['100', '100_fsm', '100.1', '100_init', '200', 't3_999', 't3_999_vm', 't3_999.2', '100x'];
    expect(out.filter((name) => isExcludedRelation(name, unlogged))).toEqual([
      '100',
      '100_fsm',
      '100.1',
      't3_999',
      't3_999_vm',
      't3_999.2',
    ]);
  });

  test('are the contents of directories that a start clears', () => {
    for (const name of [
      'pg_stat_tmp',
      'pg_replslot',
      'pg_dynshmem',
      'pg_notify',
      'pg_serial',
      'pg_snapshots',
    ])
      expect(isKeptEmpty(name, name, null)).toBe(true);
    expect(isKeptEmpty('pg_subtrans', 'pg_subtrans', null)).toBe(true);
    expect(isKeptEmpty('stats', 'stats', 'stats')).toBe(true);
    expect(isKeptEmpty('pg_stat', 'pg_stat', null)).toBe(false);
    expect(walDirectories(15)).toEqual(['pg_wal', 'pg_wal/archive_status']);
    expect(walDirectories(17)).toContain('pg_wal/summaries');
  });
});

describe('the files with pages', () => {
  test('are relations in the directories of databases', () => {
    expect(isRelationDirectory('pg_tblspc/16400/PG_15_202209061/5')).toBe(true);
    expect(pagesOf('base/5/1259')).toEqual({ segment: 0 });
    expect(pagesOf('base/5/1259.3')).toEqual({ segment: 3 });
    expect(pagesOf('base/5/1259_vm.1')).toEqual({ segment: 1 });
    expect(pagesOf('global/1262_fsm')).toEqual({ segment: 0 });
    expect(pagesOf('pg_tblspc/16400/PG_15_202209061/5/20000.1')).toEqual({ segment: 1 });
  });

  test.each(['global/pg_control', 'base/5/pg_filenode.map', 'base/5/PG_VERSION', 'pg_xact/0000', '1259'])(
    'are not %s',
    (path) => expect(pagesOf(path)).toBeNull(),
  );
});
