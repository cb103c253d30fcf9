import type { Act } from './act.ts';
import { BY_PEOPLE } from './by-people.ts';
import { OF_API } from './of-api.ts';
import { OF_NETWORK } from './of-network.ts';
import { OF_PROCESSES } from './of-processes.ts';
import { OF_STORAGE } from './of-storage.ts';

export const ACTS = {
  ...OF_PROCESSES,
  ...OF_NETWORK,
  ...OF_API,
  ...OF_STORAGE,
  ...BY_PEOPLE,
} satisfies Record<string, Act>;

export type FaultKind = keyof typeof ACTS;

export const FAULT_KINDS = Object.keys(ACTS) as readonly FaultKind[];
