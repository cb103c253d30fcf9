import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigurationError, ConfigurationFileError } from '../../../src/config/errors.ts';
import { loadConfiguration, type Origins } from '../../../src/config/load.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-config-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const MEMBER = { POD_NAME: 'pg-0' };

async function file(text: string): Promise<string> {
  const path = join(directory, `${Math.random().toString(36).slice(2)}.yaml`);
  await writeFile(path, text);
  return path;
}

async function load(yaml: string, origins: Omit<Origins, 'file'> = {}) {
  const { environment, ...rest } = origins;
  return loadConfiguration({ file: await file(yaml), environment: { ...MEMBER, ...environment }, ...rest });
}

async function problems(yaml: string, origins: Omit<Origins, 'file'> = {}) {
  const error = await load(yaml, origins).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  return (error as ConfigurationError).problems;
}

const NAME = 'cluster: {name: pg}\n';

describe('a configuration', () => {
  it('needs only the name of the cluster', async () => {
    const { configuration } = await load(NAME);
    expect(configuration.cluster).toMatchObject({ name: 'pg', members: 3, memberName: 'pg-0' });
    expect(configuration.ha).toMatchObject({
      durability: 'required',
      acks: 'auto',
      leaseDuration: 10_000,
      renewInterval: 3_333,
      suspectAfter: 1_000,
      staleReadBound: 3_000,
      hungAfter: 10_000,
      dropAfter: 10_000,
      guardAfter: 3_000,
    });
    expect(configuration.postgres.initdb.dataChecksums).toBe(true);
    expect(configuration.http).toMatchObject({ port: 8008, advertisedPort: 8008 });
  });

  it('comes from the file, is overruled by the environment, and that by flags', async () => {
    const yaml = `${NAME}postgres: {port: 1}\nhttp: {port: 1}\nadvertise: {port: 1}`;
    const { configuration, sources } = await load(yaml, {
      environment: { PGWARDEN_HTTP_PORT: '2', PGWARDEN_ADVERTISE_PORT: '2' },
      flags: ['advertise.port=3', 'advertise.port=4'],
    });
    expect([configuration.postgres.port, configuration.http.port, configuration.advertise.port]).toEqual([
      1, 2, 4,
    ]);
    expect(sources.get('postgres.port')).toMatchObject({ kind: 'file' });
    expect(sources.get('postgres.port')?.detail).toMatch(/\.yaml line 2$/);
    expect(sources.get('http.port')).toEqual({ kind: 'environment', detail: 'PGWARDEN_HTTP_PORT' });
    expect(sources.get('advertise.port')).toEqual({ kind: 'flag', detail: '--set advertise.port' });
    expect(sources.has('postgres.user')).toBe(false);
  });

  it('merges maps by entry and replaces lists', async () => {
    const yaml = `${NAME}postgres: {parameters: {work_mem: 4MB, jit: off}, hba: [host all all samenet trust, host a b all scram-sha-256]}`;
    const { configuration, sources } = await load(yaml, {
      environment: { PGWARDEN_POSTGRES_PARAMETERS: '{max_connections: 50}' },
      flags: [
        'postgres.parameters.work_mem=8MB',
        'postgres.hba=[host x y all md5]',
        'postgres.parameters.pg_stat_statements.max=9',
      ],
    });
    expect(configuration.postgres.parameters).toEqual({
      work_mem: '8MB',
      jit: 'off',
      max_connections: '50',
      'pg_stat_statements.max': '9',
    });
    expect(configuration.postgres.hba).toEqual(['host x y all md5']);
    expect(sources.get('postgres.hba.0')?.kind).toBe('flag');
    expect(sources.has('postgres.hba.1')).toBe(false);
    expect(sources.get('postgres.parameters.max_connections')?.kind).toBe('environment');
    expect(sources.get('postgres.parameters.jit')?.kind).toBe('file');
  });

  it('takes the file that PGWARDEN_CONFIG names', async () => {
    const path = await file(NAME);
    const loaded = await loadConfiguration({ environment: { ...MEMBER, PGWARDEN_CONFIG: path } });
    expect(loaded.file).toBe(path);
    expect(loaded.configuration.cluster.name).toBe('pg');
  });

  it('finds out member, namespace, pod and address from the downward API', async () => {
    const { configuration } = await load(NAME, {
      environment: { POD_NAME: 'pg-2', POD_NAMESPACE: 'db', POD_UID: 'u', POD_IP: '10.1.2.3' },
    });
    expect(configuration.cluster).toMatchObject({ memberName: 'pg-2', namespace: 'db', podUID: 'u' });
    expect(configuration.advertise).toEqual({ host: '10.1.2.3', port: 5432 });
  });

  it('takes an empty section of the file for one that was left out', async () => {
    expect((await load(`${NAME}postgres:\n  initdb:\nha:\n`)).configuration.ha.guardAfter).toBe(3_000);
  });

  it('takes an empty text for nothing where a setting may be null', async () => {
    const { configuration } = await load(`${NAME}http: {tokenFile: /a}`, {
      environment: { PGWARDEN_HTTP_TOKEN_FILE: '' },
    });
    expect(configuration.http.tokenFile).toBeNull();
  });

  it('ignores what Kubernetes sets for Services named like pgwarden', async () => {
    const { configuration } = await load(NAME, {
      environment: {
        PGWARDEN_POSTGRES_PORT: 'tcp://10.0.0.1:5432',
        PGWARDEN_SERVICE_HOST: '10.0.0.1',
        PGWARDEN_RW_SERVICE_PORT_POSTGRES: '5432',
        PGWARDEN_PORT_5432_TCP_ADDR: '10.0.0.1',
        PGWARDEN_POSTGRES_PORT_5432_TCP: 'tcp://10.0.0.1:5432',
      },
    });
    expect(configuration.postgres.port).toBe(5432);
  });

  it('warns of two members that must both acknowledge', async () => {
    const together = `http: {tokenFile: /t}\npostgres: {replication: {passwordFile: /r}}\n`;
    const { warnings } = await load(`cluster: {name: pg, members: 2}\n${together}`);
    expect(warnings.map((warning) => warning.path)).toEqual(['cluster.members']);
    expect((await load(`${NAME}${together}`)).warnings).toEqual([]);
  });

  it('warns of what members lack to work together, and of nothing where there is one', async () => {
    expect((await load(NAME)).warnings.map((warning) => warning.path)).toEqual([
      'http.tokenFile',
      'postgres.replication.passwordFile',
    ]);
    expect((await load('cluster: {name: pg, members: 1}')).warnings).toEqual([]);
  });
});

describe('a wrong configuration', () => {
  it('is told with all its problems at once, each with place, value and what is allowed', async () => {
    const found = await problems(
      `${NAME}ha:\n  leaseDuraton: 3s\n  suspectAfter: 1\nhttp:\n  port: 80080\n`,
      {
        environment: { PGWARDEN_LOG_LEVEL: 'loud' },
        flags: ['tags.nofailover=maybe'],
      },
    );
    const told = found.map(({ path, message }) => `${path}: ${message}`);
    expect(told.sort()).toEqual([
      'ha.leaseDuraton: there is no such setting; did you mean ha.leaseDuration?',
      'ha.suspectAfter: given 1; allowed: a duration with its unit (ms, s, m, h, d) from "200ms" to "5m"',
      'http.port: given 80080; allowed: a whole number from 1 to 65535',
      'log.level: given "loud"; allowed: trace or debug or info or warn or error or fatal',
      'tags.nofailover: given "maybe"; allowed: true or false',
    ]);
    const sources = Object.fromEntries(found.map(({ path, source }) => [path, source]));
    expect(sources['ha.leaseDuraton']).toMatch(/\.yaml line 3$/);
    expect(sources['http.port']).toMatch(/\.yaml line 6$/);
    expect(sources['log.level']).toBe('PGWARDEN_LOG_LEVEL');
    expect(sources['tags.nofailover']).toBe('--set tags.nofailover');
  });

  it('names the setting that a misplaced key belongs to', async () => {
    const [problem] = await problems(`${NAME}tailInterval: 2s`);
    expect(problem?.message).toContain('did you mean archive.tailInterval?');
  });

  it('lists the keys of a section where none is near', async () => {
    const [problem] = await problems(`${NAME}tags: {zzzzzzzz: 1}`);
    expect(problem?.message).toBe('there is no such setting; allowed here: nofailover, nosync, priority');
  });

  it('names the nearest variable of the environment', async () => {
    const [problem] = await problems(NAME, { environment: { PGWARDEN_HA_LEASE_DURATON: '9s' } });
    expect(problem).toMatchObject({
      message: 'no setting has this name; did you mean PGWARDEN_HA_LEASE_DURATION?',
      source: 'environment PGWARDEN_HA_LEASE_DURATON',
    });
  });

  it('names the nearest setting of a flag, and refuses one without a value', async () => {
    const found = await problems(NAME, { flags: ['postgers.port=1', 'http.port'] });
    expect(found.map((each) => each.message)).toEqual([
      'no setting has this name; did you mean postgres.port?',
      'given no value; allowed: --set path=value',
    ]);
  });

  it('needs the name of the cluster', async () => {
    const found = await problems('{}');
    expect(found[0]).toMatchObject({ path: 'cluster.name', source: null });
    expect(found[0]?.message).toMatch(/^given nothing; allowed: /);
  });

  it.each([
    ['[1, 2]', 'given no map; allowed: a map of settings'],
    ['a: [1', /^not YAML: .+/],
    ['a: 1\na: 2', /^not YAML: Map keys must be unique/],
  ])('is told where the file is %j', async (yaml, message) => {
    expect((await problems(yaml))[0]?.message).toMatch(message);
  });

  it('is told where a section is no map', async () => {
    const [problem] = await problems(`${NAME}ha: fast`);
    expect(problem).toMatchObject({ path: 'ha' });
    expect(problem?.message).toMatch(/^given "fast"; allowed: a map with the keys durability, acks, /);
  });

  it('does not take __proto__ for a section', async () => {
    await problems(`${NAME}__proto__: {polluted: 1}`);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('does not repeat a secret that was put in a wrong place', async () => {
    const [problem] = await problems(
      `${NAME}postgres: {superuser: {password: hunter2}, hba: ["password=hunter2"]}`,
    );
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });

  it('is an error of its own where the file cannot be read', async () => {
    await expect(loadConfiguration({ file: join(directory, 'none.yaml'), environment: {} })).rejects.toThrow(
      ConfigurationFileError,
    );
  });
});

describe('settings that do not go together', () => {
  it.each([
    ['ha.renewInterval', 'ha: {renewInterval: 4s}'],
    [
      'ha.leaseDuration',
      'ha: {leaseDuration: 1500ms, stopTimeout: 100ms, suspectAfter: 500ms, guardAfter: 1s}',
    ],
    ['ha.guardAfter', 'ha: {guardAfter: 10s}'],
    ['ha.suspectAfter', 'ha: {suspectAfter: 10s}'],
    ['ha.stopTimeout', 'ha: {stopTimeout: 5s}'],
    ['ha.acks', 'ha: {acks: 3}'],
    ['http.tls.keyFile', 'http: {tls: {certificateFile: /c}}'],
    ['http.tls.caFile', 'http: {tls: {caFile: /c}}'],
    ['http.port', 'http: {port: 5432}'],
    ['kubernetes.server', 'kubernetes: {server: "http://127.0.0.1:1", kubeconfig: /k}'],
    ['kubernetes.labels.pgwarden.dev/role', 'kubernetes: {labels: {pgwarden.dev/role: primary}}'],
    ['postgres.application.owner', 'postgres: {application: {owner: postgres}}'],
    ['postgres.application.database', 'postgres: {application: {database: postgres}}'],
    ['postgres.initdb.icuLocale', 'postgres: {initdb: {localeProvider: icu}}'],
  ])('are refused at %s', async (path, yaml) => {
    expect((await problems(`${NAME}${yaml}`)).map((each) => each.path)).toEqual([path]);
  });

  it.each(['db-0', 'pg', 'pg-x', 'pg-01'])('are refused where the member is named %s', async (name) => {
    const [problem] = await problems(NAME, { environment: { POD_NAME: name } });
    expect(problem).toMatchObject({ path: 'cluster.memberName' });
    expect(problem?.message).toContain('pg-0, pg-1');
  });

  it('are refused where the name leaves no room for an incarnation', async () => {
    const long = 'a'.repeat(51);
    expect(
      (await load(`cluster: {name: ${long}}`, { environment: { POD_NAME: `${long}-99` } })).configuration
        .cluster.memberName,
    ).toHaveLength(54);
    const found = await problems(`cluster: {name: ${long}}`, { environment: { POD_NAME: `${long}-100` } });
    expect(found[0]?.message).toContain('at most 54');
  });

  it('include a protocol parameter and a weak synchronous_commit, each with the reason', async () => {
    const found = await problems(
      `${NAME}postgres: {parameters: {primary_conninfo: x, synchronous_commit: local, fsync: off}}`,
    );
    expect(found.map((each) => each.path)).toEqual([
      'postgres.parameters.primary_conninfo',
      'postgres.parameters.synchronous_commit',
      'postgres.parameters.fsync',
    ]);
  });
});
