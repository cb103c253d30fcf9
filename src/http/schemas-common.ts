import { MEMBER_NAME_MAX } from '../ha/member.ts';
import { INSTANCE_STATES } from '../ha/peer.ts';
import { flag, type JsonSchema, matching, object, oneOf, text, whole } from './json-schema.ts';

/** RFC 1123 subdomain: the name of a pod. */
const MEMBER_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** A member, or `*`. */
const MEMBER_OR_ALL = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?|\*)$/;

export const memberNameSchema = matching(
  MEMBER_NAME,
  MEMBER_NAME_MAX,
  'Name of a member (of its pod), e.g. pg-0.',
);
export const memberOrAllSchema = matching(MEMBER_OR_ALL, MEMBER_NAME_MAX, 'Name of a member, or * for all.');
export const identitySchema = matching(
  /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?-[0-9a-f]{8}$/,
  63,
  'Member and incarnation, e.g. pg-0-1f3a9c02.',
);
export const incarnationSchema = matching(/^[0-9a-f]{8}$/, 8, 'Random id of a data directory.');
export const lsnSchema = matching(
  /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/,
  17,
  'Position in the WAL, e.g. 16/B374D848.',
);
export const epochSchema = whole('Number of a term: one up whenever a primary starts.');
export const timelineSchema = whole('Timeline of PostgreSQL.');
export const durationSchema: JsonSchema = {
  type: 'number',
  minimum: 0,
  description: 'A duration in milliseconds.',
};

export const stateSchema = oneOf(INSTANCE_STATES, 'What a member does with its Postgres.');
export const roleSchema = oneOf(['primary', 'standby', 'none'], 'The role that a member plays for clients.');

export const tagsSchema = object({
  nofailover: flag('Becomes primary only where nobody else can get what it alone holds.'),
  nosync: flag('Never in a cohort.'),
  priority: { type: 'integer', description: 'Higher is preferred among equal positions.' },
});

export const problemSchema = object({
  error: object({
    code: text('Stable; for programs.'),
    message: text('The cause.'),
    remedy: text('What to do about it.'),
  }),
});

export const acceptedSchema = object({
  message: text('What was recorded. See GET /v1/cluster for the outcome.'),
});
