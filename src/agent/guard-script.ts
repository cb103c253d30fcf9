import { readFileSync } from 'node:fs';

/**
 * The text of guard.pl, which lies beside this file in the source and in the bundle. It is read with the modules, so
 * while the agent may still read its own files: the user that it becomes later need not be allowed to.
 */
export const GUARD_SCRIPT = readFileSync(new URL('./guard.pl', import.meta.url), 'utf8');
