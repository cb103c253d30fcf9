import { RECOVERY_STATES, type RecoveryPause } from '../ha/record.ts';
import { flag, list, object, oneOf, orNull, text, time } from './json-schema.ts';
import { memberNameSchema } from './schemas-common.ts';

/** A recovery in place, as the cluster record tells it. */
export interface RecoveryReport {
  readonly id: string;
  readonly state: (typeof RECOVERY_STATES)[number];
  /** For people: "the time 2030-01-31 03:00:00+00". */
  readonly target: string;
  readonly backup: string;
  /** The member that carries it on. */
  readonly by: string;
  readonly at: string;
  /** Whether it stands still at the target until somebody says how it goes on. */
  readonly pauses: boolean;
  /** It stands there, read-only: on the machine of `by`, by this socket. */
  readonly paused: RecoveryPause | null;
  /** Members whose data is set aside (or, of an abandoned one, back), as far as this member knows. */
  readonly done: readonly string[];
}

export const recoveryReportSchema = orNull(
  object({
    id: text(),
    state: oneOf(RECOVERY_STATES),
    target: text('Where it stops.'),
    backup: text(),
    by: memberNameSchema,
    at: time(),
    pauses: flag('Stands still at the target until somebody says how it goes on.'),
    paused: orNull(
      object({
        at: time(),
        socketDirectory: text('Where psql finds it, read-only, on the machine of `by`.'),
      }),
    ),
    done: list(memberNameSchema, 'Members whose data is set aside or, of an abandoned one, back.'),
  }),
);
