import { boolean, choice, duration, size, whole } from '../leaves.ts';
import { section } from '../setting.ts';

const MEGABYTE = 1024 ** 2;

export const tags = section('Properties of this member.', {
  nofailover: boolean(false, {
    description:
      'Becomes primary only where no other member can get the commits that it alone holds, and until another has them.',
    effect: 'at once',
  }),
  nosync: boolean(false, { description: 'Never counts for an acknowledgement.', effect: 'at once' }),
  priority: whole(
    0,
    { least: -1000, most: 1000 },
    {
      description: 'Of members that hold the same WAL the one with the higher number becomes primary.',
      effect: 'at once',
    },
  ),
});

export const shutdown = section('The end of the agent.', {
  grace: duration(
    '25s',
    { least: '1s', most: '1d' },
    {
      description:
        "How long a planned end (SIGTERM) may take: hand over, then stop. Some seconds less than the pod's `terminationGracePeriodSeconds`.",
      effect: 'at once',
    },
  ),
});

export const log = section('The log: JSON lines on standard output.', {
  level: choice('info', ['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    description: 'The least severe lines that are written.',
    effect: 'at once',
  }),
});

export const slots = section('Replication slots.', {
  maxSlotWalKeepSize: size(
    '10GB',
    { least: 64 * MEGABYTE, most: 1024 ** 4 },
    {
      description:
        'How much WAL is kept at most for a member that is away (`max_slot_wal_keep_size`); past that it is cloned anew.',
      effect: 'needs a reload of Postgres',
    },
  ),
});
