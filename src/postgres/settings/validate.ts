import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresError, ToolFailedError } from '../errors.ts';
import type { InstanceOptions, InstanceSettings } from '../ports.ts';
import { runTool } from '../process/tool.ts';
import { makeDirectory, writeDurably } from '../volume/durable.ts';
import type { VolumePaths } from '../volume/paths.ts';
import { nearestName } from './nearest.ts';
import { ownedBecause, standingSettings } from './standing.ts';

/** A weaker synchronous_commit lets commits return that no standby has: by session it is the user's choice. */
const WEAK_COMMITS = new Set(['off', 'local', 'remote_write', 'false', 'no', '0']);

/** The names of every parameter that the binaries know, lower case (`postgres --describe-config`). */
export async function knownParameters(
  options: InstanceOptions,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { stdout } = await runTool(
    {
      name: 'postgres --describe-config',
      file: join(options.binaries.directory, 'postgres'),
      arguments: ['--describe-config'],
    },
    signal,
  );
  const names = stdout.split('\n').map((line) => line.slice(0, line.indexOf('\t')).toLowerCase());
  return new Set(names.filter((name) => name !== ''));
}

/** Rejects names that do not exist (naming the nearest) or that the agent owns. Dotted names are extensions' own. */
export function checkNames(
  settings: InstanceSettings,
  known: ReadonlySet<string>,
  options: InstanceOptions,
  paths: VolumePaths,
): void {
  for (const name of Object.keys(settings.parameters)) {
    const reason = ownedBecause(name, options, paths);
    if (reason !== null) {
      throw new PostgresError(
        'PARAMETER_OWNED',
        `${name} cannot be set: ${reason}`,
        'Remove it from the parameters.',
      );
    }
    if (name.includes('.') || known.has(name.toLowerCase())) continue;
    const nearest = nearestName(name.toLowerCase(), known);
    throw new PostgresError(
      'PARAMETER_UNKNOWN',
      `PostgreSQL ${options.binaries.major} has no parameter ${name}`,
      nearest === null ? 'Remove it from the parameters.' : `Did you mean ${nearest}?`,
    );
  }
}

/** Whether a global synchronous_commit is below `on`: refused by the configuration under `durability: required`. */
export function weakensCommits(settings: InstanceSettings): boolean {
  const value = settings.parameters.synchronous_commit;
  return value !== undefined && WEAK_COMMITS.has(value.toLowerCase());
}

/**
 * Lets the binaries read a draft of postgresql.conf as they would at a start (`postgres -C`): a value that they
 * refuse is found here and never reaches the file in use.
 */
export async function checkValues(
  draft: string,
  options: InstanceOptions,
  paths: VolumePaths,
  signal: AbortSignal,
): Promise<void> {
  await makeDirectory(paths.settings);
  const file = join(paths.settings, 'draft.conf');
  const standing = { ...standingSettings(options, paths), config_file: file };
  const hasData = (await stat(join(paths.data, 'PG_VERSION')).catch(() => null)) !== null;
  try {
    await writeDurably(file, draft);
    await runTool(
      {
        name: 'postgres -C',
        file: join(options.binaries.directory, 'postgres'),
        arguments: [
          '-D',
          hasData ? paths.data : paths.settings,
          ...Object.entries(standing).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
          '-C',
          'port',
        ],
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof ToolFailedError)) throw error;
    throw new PostgresError(
      'PARAMETER_REFUSED',
      `Postgres refuses the settings: ${refusal(error.output)}`,
      'Correct the parameter; the settings in use are unchanged.',
      { cause: error },
    );
  } finally {
    await rm(file, { force: true });
  }
}

/** The sentence that names the parameter; not the closing "configuration file … contains errors". */
function refusal(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.replace(/^.*?\b(?:LOG|FATAL|DETAIL|HINT): {2}/, ''))
    .filter((line) => line !== '' && !/^configuration file .* contains errors/.test(line));
  return lines.slice(0, 3).join('; ');
}
