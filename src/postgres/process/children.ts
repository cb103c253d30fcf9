import { readdir, readFile } from 'node:fs/promises';

/** The children of the postmaster, by /proc. */
export async function childrenOf(postmaster: number | null): Promise<number[]> {
  if (postmaster === null) return [];
  const fast = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').catch(() => null);
  if (fast !== null)
    return fast
      .split(' ')
      .filter((pid) => pid !== '')
      .map(Number);
  // A kernel without CONFIG_PROC_CHILDREN.
  const found = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
        const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
        return Number(parent) === postmaster ? Number(pid) : null;
      }),
  );
  return found.filter((pid) => pid !== null);
}
