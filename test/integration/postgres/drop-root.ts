import { execFileSync } from 'node:child_process';

/**
 * Postgres refuses to run as root. Each test file has a process of its own, so that process becomes the user
 * `postgres` (made by Debian's package), or nobody, for the rest of its life.
 */
export function dropRoot(): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = idOf('postgres') ?? idOf('nobody') ?? { uid: 65534, gid: 65534 };
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

function idOf(user: string): { readonly uid: number; readonly gid: number } | null {
  try {
    const id = (flag: string): number =>
      Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: 'pipe' }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return null;
  }
}
