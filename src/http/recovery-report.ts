import { RECOVERY_STATES } from '../ha/record.ts';
import { list, object, oneOf, orNull, text, time } from './json-schema.ts';
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
    done: list(memberNameSchema, 'Members whose data is set aside or, of an abandoned one, back.'),
  }),
);
