import { isLive } from '../ha/cohort.ts';
import { lsnBytes } from '../ha/lsn.ts';
import { memberIncarnation } from '../ha/member.ts';
import type { View } from '../ha/view.ts';
import type { MemberPod } from '../kubernetes/workload.ts';
import { roleOf } from './status.ts';

/** A standby with less than this (bytes) to flush gets it within the time of a hand-over. */
const CAUGHT_UP = 16 * 1024 ** 2;

/** What the primary does next to bring every pod to the wanted revision. */
export type Replacement =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'evict'; readonly pod: MemberPod; readonly reason: string };

/**
 * A rollout, one pod at a time: standbys first, the highest ordinal first, each only when every other one streams and is
 * caught up; this primary last. Its own eviction is a planned end like any: it hands over to a standby that is new by
 * then, so a rollout moves the office once. With `supervised` that waits for a person's switchover.
 */
export function nextReplacement(
  view: View,
  wanted: string,
  pods: readonly MemberPod[],
  mode: 'automatic' | 'supervised',
): Replacement {
  const outdated = pods.filter(({ revision }) => revision !== null && revision !== wanted);
  if (outdated.length === 0) return { kind: 'none' };
  const record = view.record.current?.record;
  if (record === undefined || roleOf(view) !== 'primary' || record.settled.epoch !== record.epoch)
    return wait('the epoch is not settled');
  if (record.paused) return wait('the cluster is paused');
  if (record.ending !== null || view.wishes.shutdown) return wait('the primary is about to hand over');
  const moving = pods.find(({ revision, terminating }) => revision === null || terminating);
  if (moving !== undefined) return wait(`${moving.member} is being replaced`);
  const others = pods.filter(({ member }) => member !== view.self);
  // One that never came up with an older template stays so until it gets the new one; nobody else is touched meanwhile.
  const broken = others.filter((pod) => !isUp(view, pod));
  const hopeless = broken.find((pod) => outdated.includes(pod) && !pod.ready && !answers(view, pod));
  if (hopeless !== undefined) return evict(hopeless, 'it does not run');
  const lame = broken.find((pod) => pod.ready || answers(view, pod)) ?? broken[0];
  if (lame !== undefined) return wait(`${lame.member} does not stream yet, or is not ready or caught up`);
  const standby = outdated
    .filter(({ member }) => member !== view.self)
    .sort((a, b) => ordinalOf(b) - ordinalOf(a))[0];
  if (standby !== undefined) return evict(standby, 'standbys go first');
  const own = outdated[0];
  if (own === undefined) return { kind: 'none' };
  if (mode === 'supervised')
    return wait('only the primary is left, and cluster.rollout is supervised: a switchover lets it go on');
  return evict(own, 'the primary goes last, and hands over');
}

/** Streams, replies, has what the primary has but for a little, and readers are let in. */
function isUp(view: View, pod: MemberPod): boolean {
  const incarnation = view.members.find(({ member }) => member === pod.member)?.incarnation ?? null;
  const { server } = view.local;
  if (!pod.ready || incarnation === null || server === null) return false;
  const identity = memberIncarnation(pod.member, incarnation);
  const sender = server.walsenders.find((walsender) => walsender.identity === identity);
  if (sender === undefined || !isLive(view, identity) || !answers(view, pod)) return false;
  return lsnBytes(server.flushLsn) - lsnBytes(sender.flushLsn) < CAUGHT_UP;
}

function answers(view: View, pod: MemberPod): boolean {
  return view.peers.some(({ member, last }) => member === pod.member && last === 'answered');
}

function ordinalOf({ member }: MemberPod): number {
  return Number(member.slice(member.lastIndexOf('-') + 1));
}

const wait = (reason: string): Replacement => ({ kind: 'wait', reason });
const evict = (pod: MemberPod, reason: string): Replacement => ({ kind: 'evict', pod, reason });
