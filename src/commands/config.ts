import type { Command } from 'commander';
import type { Configuration } from '../config/configuration.ts';
import { addConfigurationOptions, type ConfigurationOptions, configurationFlags } from '../config/options.ts';

interface ShowOptions extends ConfigurationOptions {
  readonly output: 'yaml' | 'json';
  readonly sources?: boolean;
}

/** `pgwarden config check|show|reference`. The schema is loaded only by the command that needs it. */
export function registerConfig(program: Command): void {
  const config = program.command('config').description('check, show and explain the configuration');

  addConfigurationOptions(config.command('check'))
    .description('check the configuration and start nothing; every problem is listed, and the exit code is 1')
    .addHelpText('after', '\nExample:\n  pgwarden config check --config /etc/pgwarden/pgwarden.yaml')
    .action(async (options: ConfigurationOptions, command: Command) => {
      const { loadConfiguration } = await import('../config/load.ts');
      const { formatProblem } = await import('../config/errors.ts');
      const { configuration, warnings, file } = await loadConfiguration(originsOf(options, command));
      await checkQueryFiles(configuration.metrics);
      for (const warning of warnings) process.stderr.write(`warning:${formatProblem(warning)}\n`);
      const { cluster } = configuration;
      process.stdout.write(
        `The configuration of ${cluster.memberName} (cluster ${cluster.name}${file === null ? '' : `, ${file}`}) is valid.\n`,
      );
    });

  addConfigurationOptions(config.command('show'))
    .description('print the configuration in force, defaults included, without secrets')
    .option('--sources', 'say of each setting where it comes from')
    .addOption(outputOption(config))
    .addHelpText('after', '\nExample:\n  pgwarden config show --sources --set ha.acks=2')
    .action(async (options: ShowOptions, command: Command) => {
      const { loadConfiguration } = await import('../config/load.ts');
      const { showConfiguration } = await import('../config/show.ts');
      const loaded = await loadConfiguration(originsOf(options, command));
      process.stdout.write(showConfiguration(loaded, options.output, options.sources === true));
    });

  config
    .command('reference')
    .description('print the reference of every setting')
    .option('--json-schema', 'print the JSON Schema of a configuration file instead')
    .addHelpText('after', '\nExample:\n  pgwarden config reference --json-schema > pgwarden.schema.json')
    .action(async (options: { jsonSchema?: boolean }) => {
      const { jsonSchema, referencePage } = await import('../config/reference.ts');
      const text = options.jsonSchema ? `${JSON.stringify(jsonSchema(), null, 2)}\n` : referencePage();
      process.stdout.write(text);
    });
}

/** Files of SQL metrics keep no agent down, so nothing but this tells beforehand that one is wrong. */
async function checkQueryFiles({ queryFiles, queryPrefix }: Configuration['metrics']): Promise<void> {
  if (queryFiles.length === 0) return;
  const { readFiles } = await import('../agent/sql-metrics/files.ts');
  const { readQueries } = await import('../agent/sql-metrics/read-queries.ts');
  const { ConfigurationError } = await import('../config/errors.ts');
  const { texts, unreadable } = await readFiles(queryFiles);
  const problems = [
    ...unreadable.map(({ file, why }) => ({
      path: `metrics.queryFiles.${queryFiles.indexOf(file)}`,
      message: `${file} cannot be read: ${why}`,
      source: null,
    })),
    ...readQueries(texts, queryPrefix).problems,
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
}

function outputOption(command: Command) {
  return command.createOption('-o, --output <format>', 'format').choices(['yaml', 'json']).default('yaml');
}

function originsOf(options: ConfigurationOptions, command: Command) {
  return { file: options.config ?? null, flags: configurationFlags(options, command.args) };
}
