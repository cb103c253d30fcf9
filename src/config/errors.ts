/** One thing that is wrong in a configuration. */
export interface Problem {
  /** Where in the configuration, e.g. `ha.leaseDuration`; empty for the document as a whole. */
  readonly path: string;
  /** What was given, what is allowed, and the nearest valid name: one sentence, without the path. */
  readonly message: string;
  /** Where the value came from, e.g. `/etc/pgwarden.yaml line 4`, `PGWARDEN_HTTP_PORT`, `--set`; null: nowhere. */
  readonly source: string | null;
}

/** A configuration is wrong. Every problem is listed at once; nothing may start. */
export class ConfigurationError extends Error {
  readonly code = 'CONFIGURATION_INVALID';
  readonly remedy =
    'Correct the settings named above; `pgwarden config reference` lists every setting with what it allows.';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const noun = problems.length === 1 ? 'problem' : 'problems';
    super(`the configuration has ${problems.length} ${noun}:\n${problems.map(formatProblem).join('\n')}`);
    this.name = 'ConfigurationError';
    this.problems = problems;
  }
}

/** The configuration file named by `--config` or PGWARDEN_CONFIG cannot be read. */
export class ConfigurationFileError extends Error {
  readonly code = 'CONFIGURATION_FILE_UNREADABLE';
  readonly remedy = 'Name an existing, readable YAML file with --config or PGWARDEN_CONFIG.';

  constructor(file: string, cause: unknown) {
    super(
      `cannot read the configuration file ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
    this.name = 'ConfigurationFileError';
  }
}

/** `config reference --check` found a page that is not what the schema says. */
export class ReferenceOutdatedError extends Error {
  readonly code = 'CONFIGURATION_REFERENCE_OUTDATED';
  readonly remedy: string;

  constructor(file: string, command: string) {
    super(`${file} is not what the configuration schema says`);
    this.name = 'ReferenceOutdatedError';
    this.remedy = `Write it anew: ${command}`;
  }
}

/** One line for a person: `  ha.leaseDuration (PGWARDEN_HA_LEASE_DURATION): given …`. */
export function formatProblem(problem: Problem): string {
  const where = problem.path === '' ? 'configuration' : problem.path;
  const source = problem.source === null ? '' : ` (${problem.source})`;
  return `  ${where}${source}: ${problem.message}`;
}
