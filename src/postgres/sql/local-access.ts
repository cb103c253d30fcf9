import { userInfo } from 'node:os';
import type { InstanceOptions } from '../ports.ts';
import type { LocalAccess } from '../settings/access-files.ts';
import type { SessionTarget } from './session.ts';

/** Peer authentication needs a name in the system's user database; an arbitrary uid (OpenShift) has none. */
export function localAccess(): LocalAccess {
  try {
    return { osUser: userInfo().username };
  } catch {
    return { osUser: null };
  }
}

export function localTarget(options: InstanceOptions, access: LocalAccess): SessionTarget {
  return {
    host: options.socketDirectory,
    port: options.port,
    user: options.superuser.name,
    password: access.osUser === null ? options.superuser.password() : undefined,
  };
}
