import { configMap } from './config-map.ts';
import { event } from './event.ts';
import type { Kind } from './kind.ts';
import { lease } from './lease.ts';
import { namespace } from './namespace.ts';
import { pod } from './pod.ts';
import { secret } from './secret.ts';

/** Every resource that this API serves. */
export const KINDS: readonly Kind[] = [configMap, event, lease, namespace, pod, secret];

/** The resource of a path, or undefined. */
export const findKind = (group: string, version: string, plural: string): Kind | undefined =>
  KINDS.find((kind) => kind.group === group && kind.version === version && kind.plural === plural);
