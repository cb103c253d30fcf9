import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alterSystem } from './alter-system.ts';
import { bootstrap, EMPTY_SETTINGS, Fixture, joinTo, type Member, PASSWORDS, soon, sql } from './fixture.ts';
import { superuser } from './superuser.ts';
import { expectNothingWritten } from './written.ts';

const fixture = new Fixture();
let a: Member;
let b: Member;

beforeAll(async () => {
  [a, b] = [await fixture.member('pg-0'), await fixture.member('pg-1')];
  await bootstrap(a);
  await joinTo(b, a);
});
afterAll(() => fixture.end());

const apply = (member: Member, parameters: Record<string, string>, hba: string[] = []) =>
  member.instance.applySettings({ ...EMPTY_SETTINGS, parameters, hba }, soon());
const fileOf = (member: Member) => readFile(join(member.volume, 'conf', 'postgresql.conf'), 'utf8');
const shown = async (member: Member, name: string): Promise<unknown> => {
  const [row] = await sql(member, `select current_setting('${name}') as value`);
  return (row as { value: string }).value;
};

describe('parameters of the user', () => {
  it('are applied, and those that need a restart are told', async () => {
    const { pendingRestart } = await apply(a, {
      work_mem: '7MB',
      Shared_Buffers: '64MB',
      'my.extension': "it's",
    });
    expect(pendingRestart).toEqual(['shared_buffers']);
    expect(await shown(a, 'work_mem')).toBe('7MB');
    expect(await shown(a, 'my.extension')).toBe("it's");
  });

  it.each([
    [{ work_men: '1MB' }, 'PARAMETER_UNKNOWN', /work_mem/],
    [{ synchronous_standby_names: '' }, 'PARAMETER_OWNED', /Remove/],
    [{ restart_after_crash: 'on' }, 'PARAMETER_OWNED', /Remove/],
    [{ work_mem: 'a lot' }, 'PARAMETER_REFUSED', /unchanged/],
    [{ max_connections: '-5' }, 'PARAMETER_REFUSED', /unchanged/],
    [{ timezone: 'Nowhere/Land' }, 'PARAMETER_REFUSED', /unchanged/],
  ])('that are wrong never reach the file: %j', async (parameters, code, remedy) => {
    const before = await fileOf(a);
    const error = await apply(a, parameters as Record<string, string>).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code });
    expect((error as { remedy: string }).remedy).toMatch(remedy);
    expect(await fileOf(a)).toBe(before);
  });

  it('are checked before there is any data', async () => {
    const c = await fixture.member('pg-9');
    await c.instance.load();
    const wrong = { ...EMPTY_SETTINGS, parameters: { work_mem: 'a lot' } };
    await expect(c.instance.validateSettings(wrong, soon())).rejects.toMatchObject({
      code: 'PARAMETER_REFUSED',
    });
    await c.instance.validateSettings({ ...EMPTY_SETTINGS, parameters: { work_mem: '5MB' } }, soon());
  });

  it('hold rules for pg_hba.conf; wrong ones are taken back', async () => {
    await apply(a, {}, ['host app app 127.0.0.1/32 reject']);
    await expect(a.client()).rejects.toThrow(/pg_hba.conf rejects/);
    await expect(apply(a, {}, ['host app app nonsense'])).rejects.toMatchObject({
      code: 'PARAMETER_REFUSED',
    });
    await expect(a.client()).rejects.toThrow(/pg_hba.conf rejects/);
    await apply(a, {});
    await (await a.client()).end();
  });

  it('below what the primary runs with do not keep a standby from starting', async () => {
    await apply(b, { max_connections: '50' });
    await b.instance.stop('fast');
    await b.instance.startStandby(soon());
    await b.instance.openDoor(soon());
    expect(await shown(b, 'max_connections')).toBe('100');
    await b.instance.follow(await a.upstream());
  });
});

describe('an entry of postgresql.auto.conf that the agent did not make', () => {
  it('is reverted on what the agent owns or sets, and left alone on the rest', async () => {
    await apply(a, { work_mem: '7MB' });
    const owner = await a.instance.observe(1_000 as never);
    expect(owner.server?.synchronousStandbyNames).toBe('');
    await alterSystem(a, 'synchronous_standby_names', "'x'");
    await alterSystem(a, 'work_mem', "'9MB'");
    await alterSystem(a, 'maintenance_work_mem', "'99MB'");
    await superuser(a, 'select pg_reload_conf()');
    const reverted = await a.instance.revertForeignSettings(soon());
    expect([...reverted].sort()).toEqual(['synchronous_standby_names', 'work_mem']);
    expect((await a.server()).synchronousStandbyNames).toBe('');
    expect(await shown(a, 'work_mem')).toBe('7MB');
    expect(await shown(a, 'maintenance_work_mem')).toBe('99MB');
    expect(await a.instance.revertForeignSettings(soon())).toEqual([]);
  });

  it('is taken out before a start', async () => {
    await alterSystem(b, 'primary_conninfo', "'host=nowhere'");
    await b.instance.stop('fast');
    await b.instance.startStandby(soon());
    expect((await b.server()).follows).toBeNull();
    const auto = await readFile(join(b.volume, 'data', 'postgresql.auto.conf'), 'utf8');
    expect(auto).not.toMatch(/primary_conninfo/);
    await b.instance.follow(await a.upstream());
    await b.until('streaming', ({ server }) => server?.receiver?.streaming === true);
  });
});

describe('passwords', () => {
  it('change in the roles and in the file of the receiver, and the log never has them', async () => {
    for (const member of [a, b])
      Object.assign(member.passwords, { replication: 'r:2', owner: 'o2', superuser: 's2' });
    await a.instance.rotatePasswords(soon());
    await b.instance.rotatePasswords(soon());
    await (await a.client()).end();
    await b.instance.follow(null);
    await b.until('no receiver', ({ server }) => server?.receiver === null);
    await b.instance.follow(await a.upstream());
    await b.until('streaming', ({ server }) => server?.receiver?.streaming === true);
    const secrets = [...Object.values(PASSWORDS), 'r:2'];
    for (const line of [...a.log, ...b.log]) {
      for (const secret of secrets) expect(line).not.toContain(secret);
    }
  });

  it('that did not change write nothing', async () => {
    await a.instance.checkpoint(soon());
    await expectNothingWritten(a, () => a.instance.rotatePasswords(soon()));
  });
});

describe('slots', () => {
  it('are made on every member, taken up by the receiver, advanced on the standby, and dropped', async () => {
    const [upstream, standby] = [(await a.upstream()).identity, (await b.upstream()).identity];
    const other = 'pg-7-00000007' as typeof upstream;
    const all = [upstream, standby, other];
    await a.instance.syncSlots(all, soon());
    await b.instance.syncSlots(all, soon());
    const mine = standby.replaceAll('-', '_');
    expect(await slots(a)).toMatchObject({ [mine]: {}, pg_7_00000007: {} });
    await b.until('streaming by the slot', () => true);
    await untilSlots(a, (found) => found[mine]?.active === true);
    const before = (await slots(b)).pg_7_00000007?.restart ?? '';
    expect(Object.keys(await slots(b)).sort()).toEqual(
      [upstream.replaceAll('-', '_'), 'pg_7_00000007'].sort(),
    );
    await superuser(a, 'create table filler as select generate_series(1, 20000) as i');
    await superuser(a, "select pg_replication_slot_advance('pg_7_00000007', pg_current_wal_flush_lsn())");
    await b.instance.checkpoint(soon());
    const lsn = (await a.server()).flushLsn;
    await b.until('replay', ({ server }) => server?.replayLsn === lsn);
    await b.instance.syncSlots(all, soon());
    expect((await slots(b)).pg_7_00000007?.restart).not.toBe(before);
    await b.instance.syncSlots([upstream, standby], soon());
    expect(Object.keys(await slots(b))).toEqual([upstream.replaceAll('-', '_')]);
  });
});

type Slots = Record<string, { restart: string; active: boolean }>;

async function slots(member: Member): Promise<Slots> {
  const rows = (await superuser(
    member,
    'select slot_name as name, restart_lsn::text as restart, active from pg_replication_slots',
  )) as { name: string; restart: string; active: boolean }[];
  return Object.fromEntries(rows.map(({ name, restart, active }) => [name, { restart, active }]));
}

async function untilSlots(member: Member, condition: (found: Slots) => boolean): Promise<void> {
  const limit = soon(20_000);
  while (!condition(await slots(member))) {
    limit.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the segment that an archiving server switches to as it stops', () => {
  it('is not filled with zeros for a moment', async () => {
    const archiving = await fixture.member('pg-5', {}, { archiveCommand: 'true' });
    await bootstrap(archiving);
    await archiving.instance.expectSwitch();
    await expect.poll(() => shown(archiving, 'wal_init_zero')).toBe('off');
    const afterwards = async () => {
      await archiving.instance.syncSlots([], soon());
      return shown(archiving, 'wal_init_zero');
    };
    await expect.poll(afterwards, { timeout: 15_000, interval: 500 }).toBe('on');
  });

  it('is nobody’s concern without an archive', async () => {
    const before = await fileOf(a);
    await a.instance.expectSwitch();
    expect(await fileOf(a)).toBe(before);
  });
});
