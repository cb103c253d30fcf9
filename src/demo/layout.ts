import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where things are in the directory of a demo cluster. Pure: nothing is read. */
export interface Layout {
  readonly dir: string;
  /** What makes the directory a demo's. */
  readonly manifest: string;
  /** The embedded API's objects. */
  readonly api: string;
  /** A copy of the program: agents give root up and could not read a clone below /root. */
  readonly program: string;
  readonly main: string;
  readonly secrets: string;
  readonly token: string;
  readonly logs: string;
  /** Where the members archive to. */
  readonly archive: string;
  readonly members: string;
  /** Sockets, one directory a member. */
  readonly run: string;
  /** Process ids, marks of members that stay down, the supervisor's lock. */
  readonly state: string;
  readonly lock: string;
}

export interface MemberLayout {
  /** The member's volume: PGDATA is `data` in it. */
  readonly volume: string;
  readonly dataDirectory: string;
  readonly config: string;
  readonly socketDirectory: string;
  /** The agent's own socket. */
  readonly socket: string;
}

export function layoutOf(dir: string): Layout {
  const at = (...parts: string[]): string => join(dir, ...parts);
  return {
    dir,
    manifest: at('demo.json'),
    api: at('api'),
    program: at('program'),
    main: at('program', 'main.js'),
    secrets: at('secrets'),
    token: at('secrets', 'token'),
    logs: at('logs'),
    archive: at('archive'),
    members: at('members'),
    run: at('run'),
    state: at('state'),
    lock: at('state', 'lock'),
  };
}

export function memberLayout(layout: Layout, name: string): MemberLayout {
  const volume = join(layout.members, name);
  const socketDirectory = join(layout.run, name);
  return {
    volume,
    dataDirectory: join(volume, 'data'),
    config: join(layout.members, `${name}.yaml`),
    socketDirectory,
    socket: join(socketDirectory, 'agent.sock'),
  };
}

export const secretFile = (layout: Layout, name: 'superuser' | 'replication' | 'application'): string =>
  join(layout.secrets, name);

export const logFile = (layout: Layout, name: string): string => join(layout.logs, `${name}.log`);

/** Everything that a demo puts into its directory: what `demo rm` may delete. */
export function ownEntries(layout: Layout): readonly string[] {
  const { api, program, secrets, logs, archive, members, run, state, manifest } = layout;
  return [members, archive, api, program, secrets, logs, run, state, manifest];
}

/** The longest directory whose sockets still fit into a socket's address (107 bytes, unix(7)). */
export const DIRECTORY_MAX_BYTES = 107 - '/run/pg-0/.s.PGSQL.65535.lock'.length;

/**
 * Where the demo is unless `--dir` says: `$PGWARDEN_DIR`, else the XDG state directory of a normal user; for root a place that the
 * unprivileged user of the agents can reach.
 */
export function defaultDirectory(env: NodeJS.ProcessEnv): string {
  if (env.PGWARDEN_DIR) return env.PGWARDEN_DIR;
  if (process.getuid?.() === 0) return '/var/lib/pgwarden/demo';
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'pgwarden', 'demo');
}
