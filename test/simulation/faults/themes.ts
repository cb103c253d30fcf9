import type { Decision } from '../../../src/ha/decision.ts';
import type { FaultKind } from './acts.ts';

/** Few kinds of faults that meet in one place of the protocol, and the decisions that they wait for. */
export interface Theme {
  readonly name: string;
  readonly kinds: readonly FaultKind[];
  readonly moments: readonly Decision['kind'][];
}

export const THEMES: readonly Theme[] = [
  {
    name: 'changes of the cohort',
    kinds: [
      'settings read late',
      'settings read late',
      'pair cut',
      'member isolated from members',
      'walsenders killed',
      'receiver killed',
      'member ended',
      'node off',
      'Postgres frozen',
      'volume lost',
      'pod killed',
    ],
    moments: ['set-names', 'prove-names', 'swap-record', 'follow'],
  },
  {
    name: 'abandoned takeovers',
    kinds: [
      'agent frozen',
      'agent killed',
      'Postgres frozen',
      'machine frozen',
      'API replies lost',
      'API replies lost to one',
      'API cut off',
      'record touched',
      'member isolated',
      'pod killed',
    ],
    moments: ['recruit', 'win', 'promote', 'write-epoch-row', 'settle', 'yield'],
  },
  {
    name: 'one primary after the other',
    kinds: [
      'member isolated',
      'member isolated from members',
      'node off',
      'machine frozen',
      'nothing comes in',
      'nothing goes out',
      'pod killed',
    ],
    moments: ['promote', 'settle', 'open-door', 'mark-settled', 'win'],
  },
  {
    name: 'wiped volumes',
    kinds: ['volume lost', 'volume lost', 'pair cut', 'pod killed', 'member isolated', 'agent frozen'],
    moments: ['clone', 'swap-record', 'set-names', 'prove-names', 'follow', 'start-standby'],
  },
  {
    name: 'planned ends',
    kinds: [
      'switchover',
      'switchover',
      'member ended',
      'restart asked',
      'member fenced',
      'paused',
      'pair cut',
      'pod killed',
      'agent killed',
      'postmaster killed',
      'replay held',
      'disk slow',
    ],
    moments: ['announce-end', 'release', 'stop', 'win', 'promote'],
  },
  {
    name: 'storms of the API',
    kinds: [
      'API down',
      'API slow',
      'API refuses',
      'API replies lost',
      'API cut off',
      'watch stale',
      'watch stale',
      'record deleted',
      'record restored',
      'record touched',
      'Postgres killed',
      'member isolated from members',
    ],
    moments: ['win', 'settle', 'swap-record', 'release', 'announce-end', 'follow'],
  },
  {
    name: 'stale views',
    kinds: [
      'watch stale',
      'watch stale',
      'agent frozen',
      'API cut off',
      'one way cut',
      'nothing comes in',
      'Postgres killed',
      'restart asked',
      'volume lost',
    ],
    moments: ['win', 'promote', 'settle', 'rewind', 'clone', 'follow', 'start-standby'],
  },
];
