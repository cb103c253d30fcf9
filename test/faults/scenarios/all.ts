import { api } from './api.ts';
import { backups } from './backups.ts';
import { clients } from './clients.ts';
import { clock } from './clock.ts';
import { clones } from './clones.ts';
import { disk } from './disk.ts';
import { network } from './network.ts';
import { operations } from './operations.ts';
import { processes } from './processes.ts';
import type { Scenario } from './scenario.ts';
import { users } from './users.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...processes,
  ...network,
  ...api,
  ...clock,
  ...disk,
  ...clients,
  ...operations,
  ...clones,
  ...backups,
  ...users,
];
