import { describe, expect, test } from 'vitest';
import { type Places, placeOf } from '../../../src/archive/restore/entry-place.ts';
import { mapWithPlaces, parseMapping, placeTablespaces } from '../../../src/archive/restore/tablespaces.ts';

const PLACES: Places = { data: '/d', held: '/d/held', tablespaces: new Map([['16400', '/fast']]) };

describe('an entry of a tar', () => {
  test.each([
    ['/base/1/112', '/d/base/1/112'],
    ['./base/1/112', '/d/base/1/112'],
    ['pg_wal', '/d/pg_wal'],
    ['global/pg_control', '/d/held/global-pg_control'],
    ['backup_label', '/d/held/backup_label'],
    ['/pg_tblspc/16400/PG_15/1', '/fast/PG_15/1'],
  ])('%s goes to %s', (name, path) => expect(placeOf(name, null, PLACES)).toEqual({ kind: 'write', path }));

  test('of a tablespace has its names from there on', () => {
    expect(placeOf('PG_15/1', '16400', PLACES)).toEqual({ kind: 'write', path: '/fast/PG_15/1' });
  });

  test.each([
    'pg_wal/000000010000000000000001',
    'pg_replslot/slot/state',
    'postmaster.pid',
    'recovery.signal',
    'pg_tblspc/9',
  ])('%s does not come back', (name) => expect(placeOf(name, null, PLACES).kind).toBe('skip'));

  test.each(['../x', 'base/../../x', '/..', 'pg_tblspc/9/PG_15/1'])('%s is refused', (name) =>
    expect(placeOf(name, null, PLACES).kind).toBe('refuse'),
  );
});

describe('tablespaces', () => {
  const had = [{ oid: '16400', location: '/mnt/a' }];

  test('go where they were, or where a mapping says by path or number', () => {
    expect(placeTablespaces(had, [])).toEqual(new Map([['16400', '/mnt/a']]));
    expect(placeTablespaces(had, [{ from: '/mnt/a', to: '/b' }])).toEqual(new Map([['16400', '/b']]));
    expect(placeTablespaces(had, [{ from: '16400', to: '/b' }])).toEqual(new Map([['16400', '/b']]));
  });

  test('are refused with a mapping that fits none, or two at one place', () => {
    expect(() => placeTablespaces(had, [{ from: '/mnt/z', to: '/b' }])).toThrow('no tablespace /mnt/z');
    const two = [...had, { oid: '16401', location: '/mnt/a' }];
    expect(() => placeTablespaces(two, [])).toThrow('would both go to /mnt/a');
  });

  test('a mapping has two absolute paths, with an escaped equals sign in either', () => {
    expect(parseMapping('/mnt/a=/b')).toEqual({ from: '/mnt/a', to: '/b' });
    expect(parseMapping('/m\\=t=/b/')).toEqual({ from: '/m=t', to: '/b' });
    expect(parseMapping('a=/b')).toBeNull();
    expect(parseMapping('/a')).toBeNull();
  });

  test('have their new places in tablespace_map', () => {
    expect(mapWithPlaces('16400 /mnt/a\n16401 /o\\\\x\n', new Map([['16400', '/b']]))).toBe(
      '16400 /b\n16401 /o\\\\x\n',
    );
  });
});
