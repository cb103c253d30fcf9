import { join } from 'node:path';
import type { Configuration } from '../../config/configuration.ts';
import { archiveSettings } from '../archive/settings.ts';
import type { DrillOrder } from './spawn-drill.ts';

/** The drill that a configuration describes. `backup`: null: the newest. */
export function drillOrder(configuration: Configuration, backup: string | null): DrillOrder {
  const { archive, cluster, drill, postgres, volume } = configuration;
  return {
    settings: archiveSettings(archive),
    options: {
      member: cluster.memberName,
      directory: drill.directory ?? join(volume, 'drill'),
      keepFree: drill.keepFree,
      binDirectory: postgres.binDirectory,
      user: postgres.superuser.name,
      checks: Object.entries(drill.checks).map(([name, sql]) => ({ name, sql, database: drill.database })),
      amcheck: drill.amcheck,
      backup,
      parallel: drill.parallel,
      timeout: drill.timeout,
    },
  };
}
