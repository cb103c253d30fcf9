import type { MemberIncarnation } from '../../ha/member.ts';

const MEMBER_SLOT = /^[a-z0-9_]+_[0-9a-f]{8}$/;

/**
 * The physical slot of a member: its identity, in the characters that a slot name may have (lower-case letters,
 * digits, underscore; documentation, "Querying and Manipulating Replication Slots").
 */
export function slotName(identity: MemberIncarnation): string {
  return identity.toLowerCase().replace(/[^a-z0-9_]/g, '_');
}

/** Whether a slot has the form of a member's: others are the user's and are left alone. */
export function isMemberSlot(name: string): boolean {
  return MEMBER_SLOT.test(name);
}
