import { Command, CommanderError } from 'commander';
import { UsageError } from './errors.ts';
import { EXIT, EXIT_CODE_HELP } from './exit-codes.ts';
import { requestedFormat } from './output/format.ts';
import { COMMANDS } from './registry.ts';
import { reportError } from './report-error.ts';

/** Runs the command that the arguments name (without `node` and the script); returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const program = await programFor(argv);
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? EXIT.happened);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.happened;
      // Commander has printed the help already where no command was given.
      if (error.code === 'commander.help') return EXIT.usage;
      return reportError(asUsageError(error, argv), requestedFormat(argv));
    }
    return reportError(error, requestedFormat(argv));
  }
}

/** The program with the one command that is named, or with all where none is. */
async function programFor(argv: readonly string[]): Promise<Command> {
  const program = new Command('pgwarden')
    .description('Runs one PostgreSQL of a cluster that fails over by itself, and commands such a cluster.')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', `\nExample:\n  $ pgwarden status --watch\n\n${EXIT_CODE_HELP}`);
  const named = argv[0];
  const load = named !== undefined && Object.hasOwn(COMMANDS, named) ? COMMANDS[named] : undefined;
  if (load !== undefined) {
    (await load())(program);
    return program;
  }
  const { PROGRAM_VERSION } = await import('./version.ts');
  program.version(PROGRAM_VERSION, '-V, --version', 'show the version');
  const loaded = new Set(await Promise.all(Object.values(COMMANDS).map((one) => one())));
  for (const register of loaded) register(program);
  return program;
}

function asUsageError(error: CommanderError, argv: readonly string[]): UsageError {
  const command = argv.find((argument) => Object.hasOwn(COMMANDS, argument));
  const help = command === undefined ? 'pgwarden --help' : `pgwarden ${command} --help`;
  return new UsageError(error.message.replace(/^error: /, ''), `see ${help}`);
}
