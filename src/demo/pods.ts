import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from './manifest.ts';
import { apiUrl } from './state.ts';

const CALL_MILLIS = 2000;

/** Waits until the embedded API answers, until `signal` ends that. */
export async function waitForApi(manifest: Manifest, signal: AbortSignal): Promise<void> {
  const url = `${apiUrl(manifest)}/apis/coordination.k8s.io/v1/namespaces/${manifest.namespace}/leases`;
  for (;;) {
    signal.throwIfAborted();
    try {
      const answer = await fetch(url, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MILLIS)]),
      });
      await answer.body?.cancel();
      if (answer.ok) return;
    } catch {
      // Not up yet: the next look tells.
    }
    await sleep(50, undefined, { signal });
  }
}

/**
 * Makes the Pod of each member where it is missing, as a StatefulSet would: role labels and Events need an
 * object to refer to. Returns the pods' UIDs by member.
 */
export async function ensurePods(
  manifest: Manifest,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const uids = new Map<string, string>();
  for (const { name } of manifest.members) uids.set(name, await ensurePod(manifest, name, signal));
  return uids;
}

async function ensurePod(manifest: Manifest, name: string, signal: AbortSignal): Promise<string> {
  const url = `${apiUrl(manifest)}/api/v1/namespaces/${manifest.namespace}/pods`;
  const call = (target: string, init: RequestInit = {}): Promise<Response> =>
    fetch(target, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MILLIS)]) });
  const found = await call(`${url}/${name}`);
  if (found.ok) return uidOf(await found.json());
  await found.body?.cancel();
  const made = await call(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(podOf(manifest, name)),
  });
  return uidOf(await made.json());
}

function podOf(manifest: Manifest, name: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { 'app.kubernetes.io/name': 'pgwarden', 'pgwarden.dev/cluster': manifest.cluster },
    },
    spec: { containers: [{ name: 'postgres', image: 'pgwarden:demo' }] },
  };
}

function uidOf(pod: unknown): string {
  const { metadata, message } = pod as { metadata?: { uid?: unknown }; message?: unknown };
  if (typeof metadata?.uid === 'string') return metadata.uid;
  throw new TypeError(`the API gave a pod without a UID: ${String(message)}`);
}
