import type { Command } from 'commander';
import { addConfigurationOptions, type ConfigurationOptions, configurationFlags } from '../config/options.ts';

/** `pgwarden run`: the agent. Everything it needs is loaded only when it runs. */
export function registerRun(program: Command): void {
  addConfigurationOptions(program.command('run'))
    .summary('run the agent of one member')
    .description(
      'Runs the agent: owns the Postgres of this pod from initdb to the last shutdown. Ends on SIGTERM, after a ' +
        'planned hand-over.',
    )
    .addHelpText('after', '\nExample:\n  $ pgwarden run --config /etc/pgwarden/pgwarden.yaml')
    .action(async (options: ConfigurationOptions, command: Command) => {
      const { runAgent } = await import('../agent/run.ts');
      process.exitCode = await runAgent({
        file: options.config ?? null,
        flags: configurationFlags(options, command.args),
      });
    });
}
