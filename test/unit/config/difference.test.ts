import { describe, expect, it } from 'vitest';
import { diffConfiguration } from '../../../src/config/difference.ts';
import { loadConfiguration } from '../../../src/config/load.ts';

async function configured(...flags: string[]) {
  const environment = { POD_NAME: 'pg-0', POD_IP: '10.0.0.1' };
  return (await loadConfiguration({ environment, flags: ['cluster.name=pg', ...flags] })).configuration;
}

describe('the difference of two configurations', () => {
  it('is nothing where they are the same', async () => {
    expect(diffConfiguration(await configured(), await configured())).toEqual([]);
  });

  it('says of each change what it needs', async () => {
    const before = await configured('postgres.parameters={work_mem: 4MB, jit: off}');
    const after = await configured(
      'postgres.parameters={work_mem: 8MB, max_connections: 9}',
      'ha.suspectAfter=2s',
      'postgres.port=5433',
      'volume=/v',
      'postgres.hba=[host all all all md5]',
    );
    expect(diffConfiguration(before, after)).toEqual([
      { path: 'volume', from: '/var/lib/pgwarden', to: '/v', effect: 'needs a restart of the agent' },
      { path: 'postgres.port', from: 5432, to: 5433, effect: 'needs a restart of Postgres' },
      { path: 'postgres.parameters.jit', from: 'off', to: undefined, effect: 'needs a reload of Postgres' },
      {
        path: 'postgres.parameters.max_connections',
        from: undefined,
        to: '9',
        effect: 'needs a reload of Postgres',
      },
      { path: 'postgres.parameters.work_mem', from: '4MB', to: '8MB', effect: 'needs a reload of Postgres' },
      { path: 'postgres.hba', from: [], to: ['host all all all md5'], effect: 'needs a reload of Postgres' },
      { path: 'advertise.port', from: 5432, to: 5433, effect: 'needs a restart of the agent' },
      { path: 'ha.suspectAfter', from: 1000, to: 2000, effect: 'at once' },
    ]);
  });
});
