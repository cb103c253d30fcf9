import type { Kind } from '../kinds/kind.ts';
import type { ApiObject } from '../objects.ts';
import type { Draft } from '../store/draft.ts';
import { tableOf } from './target.ts';

/** Deletes what has outlived its kind's lifetime. Called when another is created: an idle server has nothing to do. */
export function expire(draft: Draft, kind: Kind, stored: readonly ApiObject[], now: number): void {
  if (kind.lifetime === null) return;
  const oldest = now - kind.lifetime;
  for (const { metadata } of stored) {
    if (Date.parse(metadata.creationTimestamp ?? '') >= oldest) continue;
    const key = { resource: tableOf(kind), namespace: metadata.namespace ?? '', name: metadata.name };
    const current = draft.get(key);
    if (current !== undefined) draft.delete(key, current);
  }
}
