import { expect, test } from 'vitest';
import { ConfigurationError } from '../../../src/config/errors.ts';
import { loadConfiguration } from '../../../src/config/load.ts';

const load = async (...flags: string[]): Promise<readonly string[]> => {
  const environment = { POD_NAME: 'pg-0', POD_NAMESPACE: 'default', POD_UID: 'u', HOSTNAME: 'pg-0' };
  const base = ['cluster.name=pg', 'cluster.members=1'];
  try {
    await loadConfiguration({
      environment,
      flags: [...base, ...flags.map((flag) => `bootstrap.recovery.${flag}`)],
    });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map(({ path }) => path);
  }
};

test('a cluster begins out of an archive, to one target', async () => {
  expect(await load('from=s3://old/orders')).toEqual([]);
  expect(await load('from=s3://old/orders', 'toTime=2030-01-31 03:00:00+00', 'exclusive=true')).toEqual([]);
  expect(await load('from=s3://old/orders', 'toLsn=0/3000060', 'toName=x')).toEqual([
    'bootstrap.recovery.toName',
  ]);
  expect(await load('from=s3://old/orders', 'immediate=true', 'exclusive=true')).toEqual([
    'bootstrap.recovery.exclusive',
  ]);
  expect(await load('toLsn=0/3000060')).toEqual(['bootstrap.recovery.toLsn']);
});

test('a time without a zone, and what is no position or transaction, are refused', async () => {
  for (const flag of ['toTime=2030-01-31 03:00:00', 'toLsn=here', 'toXid=0', 'timeline=newest'])
    expect(await load('from=s3://old/orders', flag)).toHaveLength(1);
});

test('the archive of the source is never its own', async () => {
  const flags = ['cluster.name=pg', 'cluster.members=1', 'archive.url=s3://old/orders/'];
  const environment = { POD_NAME: 'pg-0', POD_NAMESPACE: 'default', POD_UID: 'u', HOSTNAME: 'pg-0' };
  const loading = loadConfiguration({
    environment,
    flags: [...flags, 'bootstrap.recovery.from=s3://old/orders'],
  });
  await expect(loading).rejects.toThrow(/archive\.url.*allowed: a prefix of its own/s);
});
