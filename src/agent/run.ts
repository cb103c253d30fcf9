import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfiguration } from '../config/load.ts';
import { togetherFindings } from '../config/rules.ts';
import { runMember } from './agent.ts';
import { AgentError } from './errors.ts';
import { ensurePasswdEntry } from './passwd-entry.ts';
import { dropPrivileges } from './privileges.ts';

export interface RunOptions {
  readonly file: string | null;
  readonly flags: readonly string[];
}

/**
 * `pgwarden run`: the agent of one member, from its start to its end. Resolves with the exit code: 0 after a planned
 * end, 1 after a fault. Nothing starts on a wrong configuration.
 */
export async function runAgent(options: RunOptions): Promise<number> {
  const loaded = await loadConfiguration(options);
  const { postgres, socket, volume } = loaded.configuration;
  const lacking = togetherFindings(loaded.configuration);
  if (lacking.length > 0) {
    throw new AgentError(
      'CONFIGURATION_INCOMPLETE',
      lacking.map(({ path, message }) => `${path} ${message}`).join('; '),
      'give each a file with the same content on every member, or set cluster.members to 1',
    );
  }
  dropPrivileges(postgres.user, volume);
  requireReadableProgram(postgres.user);
  ensurePasswdEntry(postgres.user, dirname(socket));
  return await runMember(loaded, options);
}

/**
 * What is loaded later must be readable for the user that this process became.
 *
 * @throws AgentError PROGRAM_UNREADABLE
 */
function requireReadableProgram(user: string): void {
  const program = fileURLToPath(import.meta.url);
  try {
    accessSync(program, constants.R_OK);
  } catch (error) {
    throw new AgentError(
      'PROGRAM_UNREADABLE',
      `the program ${program} cannot be read by ${user}, the user that Postgres runs as`,
      'put it where that user can read it, or run as that user ("pgwarden demo" makes a copy by itself)',
      { cause: error },
    );
  }
}
