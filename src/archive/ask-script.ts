import { readFileSync } from 'node:fs';

/** The text of ask-agent.pl, read with the modules, while the agent may still read its own files. */
export const ASK_SCRIPT = readFileSync(new URL('./ask-agent.pl', import.meta.url), 'utf8');
