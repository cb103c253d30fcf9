/** Why the guard killed: no heartbeat, the deadline came, or the agent's end of the pipe is closed. */
export type KillReason = 'silence' | 'deadline' | 'eof';

/** What the guard says, one line each; see the head of guard.pl. Times are of CLOCK_MONOTONIC, in milliseconds. */
export type GuardMessage =
  | { readonly kind: 'ready'; readonly at: number; readonly oomScoreAdj: number }
  | { readonly kind: 'taken'; readonly holder: LockHolder | null }
  | { readonly kind: 'pong'; readonly at: number }
  | {
      readonly kind: 'killed' | 'stuck';
      readonly reason: KillReason;
      /** Processes killed; or still there, while it is stuck. */
      readonly processes: number;
      readonly took: number;
    };

/** Who holds the agents' lock: the content of `agent.lock`. */
export interface LockHolder {
  readonly agent: number;
  readonly guard: number;
  readonly host: string;
  readonly since: string;
}

/** The meaning of a line; null: not one of the guard's. */
export function parseGuardMessage(line: string): GuardMessage | null {
  const [kind, ...words] = line.split(' ');
  const [first = '', second, third] = words;
  switch (kind) {
    case 'ready':
      return { kind, at: Number(first), oomScoreAdj: Number(second ?? 0) };
    case 'taken':
      return { kind, holder: parseHolder(words.join(' ')) };
    case 'pong':
      return { kind, at: Number(first) };
    case 'killed':
    case 'stuck':
      if (first !== 'silence' && first !== 'deadline' && first !== 'eof') return null;
      return { kind, reason: first, processes: Number(second), took: Number(third) };
    default:
      return null;
  }
}

/** The lock's content may be cut off by a full disk: then nothing is known of the holder. */
function parseHolder(text: string): LockHolder | null {
  try {
    const value: unknown = JSON.parse(text);
    return isHolder(value) ? value : null;
  } catch {
    return null;
  }
}

function isHolder(value: unknown): value is LockHolder {
  return typeof value === 'object' && value !== null && 'agent' in value && 'host' in value;
}
