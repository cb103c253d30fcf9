import { timestamp } from '../decode/time.ts';
import { kindName } from '../kinds/kind.ts';
import type { ApiObject, ObjectMeta } from '../objects.ts';
import { conflict } from '../status.ts';
import type { Draft } from '../store/draft.ts';
import { existing, keyOf, type Target } from './target.ts';

export interface DeleteOptions {
  readonly uid: string | null;
  readonly resourceVersion: string | null;
  readonly gracePeriodSeconds: number | null;
  /** Unix time in milliseconds. */
  readonly now: number;
}

export interface Deleted {
  readonly object: ApiObject;
  /** False: it only waits for its deletion (finalizers, or a pod's grace period). */
  readonly gone: boolean;
}

/**
 * DELETE. There is no garbage collector: dependents stay, whatever the propagation policy.
 * @throws StatusError 404, 409 Conflict when a precondition does not hold
 */
export function remove(draft: Draft, target: Target, options: DeleteOptions): Deleted {
  const old = existing(draft, target);
  checkPreconditions(target, old, options);
  const grace = target.kind.gracePeriod(old, options.gracePeriodSeconds);
  const held = (old.metadata.finalizers ?? []).length > 0;
  const key = keyOf(target);
  if (grace === null && !held) return { object: draft.delete(key, old), gone: true };
  const marked = mark(old, grace ?? 0, options.now);
  const waiting = marked === old ? old : draft.put(key, marked);
  if (held || (waiting.metadata.deletionGracePeriodSeconds ?? 0) > 0) return { object: waiting, gone: false };
  return { object: draft.delete(key, waiting), gone: true };
}

/** The object with its deletion noted; the same one where it is noted already, with no longer a period. */
function mark(object: ApiObject, grace: number, now: number): ApiObject {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, generation } = object.metadata;
  const first = deletionTimestamp === undefined;
  if (!first && grace >= deletionGracePeriodSeconds) return object;
  const metadata: ObjectMeta = {
    ...object.metadata,
    ...(generation === undefined ? {} : { generation: generation + (first ? 1 : 0) }),
    deletionTimestamp: timestamp(now + grace * 1000),
    deletionGracePeriodSeconds: grace,
  };
  return { ...object, metadata };
}

function checkPreconditions({ kind, name }: Target, { metadata }: ApiObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options;
  if (uid !== null && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(kindName(kind), name, why);
  }
  if (resourceVersion !== null && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(kindName(kind), name, why);
  }
}
