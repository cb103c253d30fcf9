/** What a process of the demo needs of the environment; all else could change what it does. */
const PASSED = new Set(['PATH', 'PGBIN', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'KUBEBUILDER_ASSETS']);

/**
 * As in the image (image/Dockerfile): glibc gives each thread an arena of its own, and blocks of 16 MiB that come and go
 * leave holes in each of them (mallopt(3), M_ARENA_MAX).
 */
export const MEMORY: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };

/**
 * The environment of the demo's processes. `PGWARDEN_*` would override the members' configurations, `PG*` would
 * reach libpq, and `NODE_OPTIONS` every process at once: none of them is passed on.
 */
export function childEnvironment(parent: NodeJS.ProcessEnv, home: string): Record<string, string> {
  const passed: Record<string, string> = { ...MEMORY, HOME: home };
  for (const [name, value] of Object.entries(parent)) {
    if (value !== undefined && (PASSED.has(name) || name.startsWith('LC_'))) passed[name] = value;
  }
  return passed;
}
