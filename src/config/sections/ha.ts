import * as z from 'zod';
import { choice, duration, fraction, optionalDuration, size } from '../leaves.ts';
import { section, setting } from '../setting.ts';

const effect = 'at once';

export const ha = section(
  'High availability: what is promised, and how soon is acted. The same on every member.',
  {
    durability: choice('required', ['required', 'preferred'], {
      description:
        '`required`: a commit waits until enough standbys have it, however long. `preferred`: where too few standbys are left, fewer are waited for.',
      effect,
    }),
    acks: setting(z.union([z.literal('auto'), z.int().min(0).max(31)]).default('auto'), {
      description:
        'How many standbys must have a commit before it is acknowledged. `auto`: half of the standbys, rounded up. 0: none (asynchronous).',
      effect,
      kind: 'text or number',
      allowed: 'auto, or a whole number from 0 to 31',
      nullable: false,
    }),
    leaseDuration: duration(
      '10s',
      { least: '1s', most: '1h' },
      {
        description: 'How long the Lease holds without a renewal. Whole seconds.',
        effect,
      },
    ),
    renewInterval: optionalDuration(
      { least: '100ms', most: '20m' },
      {
        description: 'How often the Lease is renewed: at most a third of `leaseDuration`.',
        derivedDefault: 'a third of `ha.leaseDuration`',
        effect,
      },
    ),
    drift: fraction(
      0.01,
      { least: 0, most: 0.2 },
      {
        description: "How much faster one machine's clock may run than another's, as a fraction.",
        effect,
      },
    ),
    stopTimeout: duration(
      '2s',
      { least: '100ms', most: '10m' },
      {
        description: 'The time kept free at the end of the Lease to stop Postgres.',
        effect,
      },
    ),
    suspectAfter: duration(
      '1s',
      { least: '200ms', most: '5m' },
      {
        description:
          'How long a primary may be silent, in replication and over HTTP, before a standby suspects it. `wal_receiver_timeout` is twice this.',
        effect,
      },
    ),
    recruitTimeout: duration(
      '500ms',
      { least: '50ms', most: '1m' },
      {
        description:
          'How long a candidate waits for a promise of another member; no answer within it counts as none.',
        effect,
      },
    ),
    staleReadBound: duration(
      '3s',
      { least: '500ms', most: '1h' },
      {
        description:
          'How long a primary with neither the API nor enough standbys goes on answering clients: it could answer stale reads.',
        effect,
      },
    ),
    hungAfter: duration(
      '10s',
      { least: '1s', most: '1h' },
      {
        description:
          "How long a primary's Postgres may make no progress before it is ended and another takes over.",
        effect,
      },
    ),
    dropAfter: duration(
      '10s',
      { least: '1s', most: '1d' },
      {
        description:
          'How long a standby of the cohort may be silent before it no longer counts (while enough others are left).',
        effect,
      },
    ),
    stuckAfter: duration(
      '1m',
      { least: '1s', most: '1d' },
      {
        description: 'How long a standby may make no progress before it is no longer ready.',
        effect,
      },
    ),
    guardAfter: duration(
      '3s',
      { least: '500ms', most: '10m' },
      {
        description:
          'How long the agent may give no sign of life before the guard kills its Postgres. Longer than any garbage collection.',
        effect: 'needs a restart of the agent',
      },
    ),
    maximumLagOnFailover: size(
      '1MB',
      { least: 0, most: 1024 ** 4 },
      {
        description: 'In asynchronous mode: how far behind the primary a standby may be and still take over.',
        effect,
      },
    ),
  },
);
