import { describe, expect, it } from 'vitest';
import type { MemberIncarnation } from '../../../src/ha/member.ts';
import { millis } from '../../../src/ha/units.ts';
import type { InstanceOptions } from '../../../src/postgres/ports.ts';
import { renderHba, renderIdent, renderPassfile } from '../../../src/postgres/settings/access-files.ts';
import { renderConfiguration } from '../../../src/postgres/settings/configuration-file.ts';
import { hotStandbyOverrides, standbyMayApply } from '../../../src/postgres/settings/hot-standby.ts';
import { nearestName } from '../../../src/postgres/settings/nearest.ts';
import { conninfo, quoteLiteral, quoteSetting, settingIn } from '../../../src/postgres/settings/quoting.ts';
import { matchesVerifier, scramVerifier } from '../../../src/postgres/settings/scram.ts';
import { isMemberSlot, slotName } from '../../../src/postgres/settings/slot-name.ts';
import { ownedBecause, standingSettings } from '../../../src/postgres/settings/standing.ts';
import { volumePaths } from '../../../src/postgres/volume/paths.ts';

const credential = (name: string, password: string) => ({ name, password: () => password });
const options: InstanceOptions = {
  volume: '/v',
  binaries: { directory: '/bin', major: 15 },
  memberIdentity: { member: 'pg-0' },
  port: 5432,
  listenAddresses: '*',
  socketDirectory: '/run',
  superuser: credential('postgres', 's'),
  replication: credential('repl', 'a:b\\c'),
  application: { database: 'app', owner: credential('app', 'o') },
  initdb: {
    encoding: 'UTF8',
    locale: null,
    localeProvider: 'libc',
    dataChecksums: true,
    walSegmentSizeMb: null,
    postInitSql: [],
  },
  stopTimeout: millis(1),
  maxSlotWalKeepSize: '1GB',
  suspectAfter: millis(1_000),
};
const paths = volumePaths('/v');
const settings = { parameters: {}, hba: ['host all all 10.0.0.0/8 md5'], tls: null };

describe('quoting', () => {
  it('keeps what each place would read otherwise', () => {
    expect(quoteSetting("it's a \\ thing")).toBe("'it''s a \\\\ thing'");
    const odd = "it's a \\ thing\nof two lines";
    expect(settingIn(`a = 'x'\nb = ${quoteSetting(odd)}\n`, 'b')).toBe(odd);
    expect(settingIn("bb = 'x'", 'b')).toBeNull();
    expect(quoteLiteral("it's \\")).toBe("E'it''s \\\\'");
    expect(conninfo({ host: '127.0.0.1', passfile: "/a b/o'k" })).toBe(
      "host=127.0.0.1 passfile='/a b/o\\'k'",
    );
  });
});

describe('pg_hba.conf', () => {
  it('admits only the agent and replication while closed', () => {
    const rules = renderHba(false, options, settings, { osUser: 'pg' }).split('\n').slice(1, -1);
    expect(rules).toEqual([
      'local all "postgres" peer map=pgwarden',
      'host replication "repl" all scram-sha-256',
      'host postgres "repl" all scram-sha-256',
    ]);
  });

  it('has the rules of the user when open, after those of the agent, and nothing that lets in others', () => {
    const rules = renderHba(true, options, settings, { osUser: 'pg' }).split('\n');
    expect(rules[1]).toMatch(/^local all "postgres" peer/);
    expect(rules.filter((rule) => rule.startsWith('host all'))).toEqual(['host all all 10.0.0.0/8 md5']);
  });

  it('lets every role in with its password when open, where the user has no rules', () => {
    const rules = renderHba(true, options, { ...settings, hba: [] }, { osUser: 'pg' });
    expect(rules).toContain('\nhost all all all scram-sha-256\n');
    expect(renderHba(false, options, { ...settings, hba: [] }, { osUser: 'pg' })).not.toContain('host all');
  });

  it('asks for the password where the operating-system user has no name', () => {
    expect(renderHba(false, options, settings, { osUser: null })).toMatch(
      /local all "postgres" scram-sha-256/,
    );
    expect(renderIdent(options, { osUser: null })).toBe('');
  });
});

describe('the password file', () => {
  it('escapes colons and backslashes', () => {
    expect(renderPassfile(options)).toBe('*:*:*:repl:a\\:b\\\\c\n');
  });
});

describe('postgresql.conf', () => {
  const content = {
    settings: { ...settings, parameters: { Work_Mem: '4MB', wal_level: 'logical' } },
    synchronousStandbyNames: 'ANY 1 ("x")',
    upstream: { identity: 'pg-1-00000001' as MemberIncarnation, host: 'h', port: 1 },
    identity: 'pg-0-00000000' as MemberIncarnation,
    useSlot: true,
    hurryReplay: false,
    sparseSegments: false,
    fromArchive: false,
    overrides: {},
    generation: 'g',
  };

  it('carries no password, and what the user sets replaces the default', () => {
    const text = renderConfiguration(content, options, paths);
    expect(text).not.toContain('a:b');
    expect(text).toContain("work_mem = '4MB'");
    expect(text).toContain("wal_level = 'logical'");
    expect(text).toContain("primary_slot_name = 'pg_0_00000000'");
    expect(text).toMatch(
      /primary_conninfo = 'host=h port=1 user=repl passfile=\/v\/conf\/pgpass application_name=pg-0-00000000/,
    );
  });

  it('follows nobody at a long interval', () => {
    const text = renderConfiguration({ ...content, upstream: null }, options, paths);
    expect(text).toContain("primary_conninfo = ''");
    expect(text).toContain("wal_retrieve_retry_interval = '5s'");
  });
});

describe('what the agent owns', () => {
  it('is fixed on the command line by major version', () => {
    expect(standingSettings(options, paths)).toHaveProperty('promote_trigger_file');
    const seventeen = { ...options, binaries: { directory: '/bin', major: 17 } };
    expect(standingSettings(seventeen, paths)).toMatchObject({ allow_alter_system: 'off' });
    expect(standingSettings(seventeen, paths)).not.toHaveProperty('promote_trigger_file');
  });

  it('is refused with a reason', () => {
    expect(ownedBecause('Synchronous_Standby_Names', options, paths)).toMatch(/cohort/);
    expect(ownedBecause('fsync', options, paths)).toMatch(/command line/);
    expect(ownedBecause('work_mem', options, paths)).toBeNull();
  });
});

describe('settings that a standby must not have less of', () => {
  const required = {
    max_connections: 200,
    max_worker_processes: 8,
    max_wal_senders: 16,
    max_prepared_transactions: 0,
    max_locks_per_transaction: 64,
  };

  it('are raised to what the primary runs with', () => {
    expect(hotStandbyOverrides({ max_connections: '50' }, required)).toEqual({ max_connections: '200' });
    expect(hotStandbyOverrides({ max_connections: '300' }, required)).toEqual({});
    expect(standbyMayApply({}, required)).toBe(false);
    expect(standbyMayApply({ max_connections: '200' }, required)).toBe(true);
  });
});

describe('names', () => {
  it('that are near are suggested', () => {
    expect(nearestName('work_men', ['work_mem', 'wal_level'])).toBe('work_mem');
    expect(nearestName('zzzzzz', ['work_mem', 'wal_level'])).toBeNull();
  });

  it('of slots follow the member, and others are not taken for ours', () => {
    expect(slotName('pg-0-1f3a9c02' as MemberIncarnation)).toBe('pg_0_1f3a9c02');
    expect(isMemberSlot('pg_0_1f3a9c02')).toBe(true);
    expect(isMemberSlot('debezium')).toBe(false);
  });
});

describe('a stored password', () => {
  it('matches its own password only', async () => {
    const stored = await scramVerifier('pencil');
    expect(await matchesVerifier('pencil', stored)).toBe(true);
    expect(await matchesVerifier('pen', stored)).toBe(false);
    expect(await matchesVerifier('pencil', null)).toBe(false);
    expect(await matchesVerifier('pencil', 'md5abc')).toBe(false);
  });
});
