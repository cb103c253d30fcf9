declare const brand: unique symbol;

/** A member is a pod name, e.g. `pg-0`. */
export type MemberName = string & { readonly [brand]: 'MemberName' };

/** A random id (8 hexadecimal digits) made at initdb or clone: a member that lost its volume is somebody new. */
export type Incarnation = string & { readonly [brand]: 'Incarnation' };

/**
 * `member-incarnation`, e.g. `pg-0-1f3a9c02`: the `application_name` of the member's WAL receiver, and what
 * cohorts and `synchronous_standby_names` carry.
 */
export type MemberIncarnation = string & { readonly [brand]: 'MemberIncarnation' };

const INCARNATION = /^[0-9a-f]{8}$/;

/** The longest member name: `application_name` is cut at 63 bytes (NAMEDATALEN - 1). */
export const MEMBER_NAME_MAX = 63 - 9;

export const memberName = (value: string): MemberName => value as MemberName;

export function incarnation(value: string): Incarnation {
  if (!INCARNATION.test(value)) throw new TypeError(`not an incarnation: ${value}`);
  return value as Incarnation;
}

export function memberIncarnation(name: MemberName, id: Incarnation): MemberIncarnation {
  return `${name}-${id}` as MemberIncarnation;
}

/** The member that an incarnation belongs to. */
export function memberOf(identity: MemberIncarnation): MemberName {
  return identity.slice(0, identity.lastIndexOf('-')) as MemberName;
}
