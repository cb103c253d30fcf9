/** What the command line says about the configuration. Loads nothing heavy: for the modules of commands. */
export interface ConfigurationOptions {
  readonly config?: string;
  readonly set?: readonly string[];
}

/** A word of the command line that belongs to no option of the command and to no setting. */
export class UnknownFlagError extends Error {
  readonly code = 'UNKNOWN_FLAG';
  readonly remedy =
    'Settings are given as --set path=value or --section.name value; see --help for the options.';

  constructor(word: string) {
    super(`unknown argument: ${word}`);
    this.name = 'UnknownFlagError';
  }
}

/** The part of commander's Command that the options need. */
interface OptionTaker {
  option(flags: string, description: string): this;
  option<T>(flags: string, description: string, parse: (value: string, previous: T) => T, initial: T): this;
  allowUnknownOption(): this;
  allowExcessArguments(): this;
}

/** Adds `--config`, `--set` and the generic flags (`--http.port 8009`) to a command. */
export function addConfigurationOptions<C extends OptionTaker>(command: C): C {
  return command
    .option('-c, --config <file>', 'configuration file (YAML); by default PGWARDEN_CONFIG')
    .option(
      '--set <path=value>',
      'one setting, e.g. --set ha.leaseDuration=15s; may be repeated; --ha.leaseDuration 15s is the same',
      (value: string, previous: readonly string[]) => [...previous, value],
      [] as readonly string[],
    )
    .allowUnknownOption()
    .allowExcessArguments();
}

/**
 * `--set` and the generic flags as `path=value`, the generic ones last. `rest` is what commander left over
 * (`command.args`): `--a.b value` or `--a.b=value`.
 * @throws UnknownFlagError for any other word.
 */
export function configurationFlags(options: ConfigurationOptions, rest: readonly string[]): string[] {
  const flags = [...(options.set ?? [])];
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] ?? '';
    const match = /^--([A-Za-z]\w*(?:\.[^=\s]+)+)(?:=(.*))?$/s.exec(word);
    if (match === null) throw new UnknownFlagError(word);
    const value = match[2] ?? rest[++i];
    if (value === undefined) throw new UnknownFlagError(`${word} (it has no value)`);
    flags.push(`${match[1]}=${value}`);
  }
  return flags;
}
