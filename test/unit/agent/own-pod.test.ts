import { expect, test } from 'vitest';
import { OwnPod } from '../../../src/agent/own-pod.ts';
import { type Instant, instant } from '../../../src/ha/units.ts';
import type { MemberPod, Workload } from '../../../src/kubernetes/workload.ts';
import { name } from '../ha/views.ts';

test('a process outlived its pod when two looks in a row find none, or another', async () => {
  let uid = 'own';
  let looks = 0;
  const workload: Workload = {
    wantedRevision: async () => null,
    evict: async () => false,
    pods: async ([member = name(0)]) => {
      looks++;
      return [{ member, uid, revision: 'r', terminating: false, ready: true } satisfies MemberPod];
    },
  };
  const pod = new OwnPod(workload, name(0), 'own');
  const at = (seconds: number): Instant => instant(1_000_000 + seconds * 1_000);
  expect(await pod.isGone(at(0))).toBe(false);
  uid = 'another';
  expect(await pod.isGone(at(5))).toBe(false);
  expect(looks).toBe(1);
  expect(await pod.isGone(at(25))).toBe(false);
  uid = 'own';
  expect(await pod.isGone(at(50))).toBe(false);
  uid = '';
  expect(await pod.isGone(at(75))).toBe(false);
  expect(await pod.isGone(at(100))).toBe(true);
});
