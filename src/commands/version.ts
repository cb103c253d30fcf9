import type { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { type OutputFormat, outputOption, print } from './output/format.ts';

/** The version of this program, from package.json. */
export const PROGRAM_VERSION: string = manifest.version;

/** `pgwarden version`. */
export function registerVersion(program: Command): void {
  program
    .command('version')
    .summary('show the version')
    .description('Shows the version of pgwarden and of Node.')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ pgwarden version -o json')
    .action(async ({ output }: { output: OutputFormat }) => {
      const versions = { pgwarden: PROGRAM_VERSION, node: process.versions.node };
      await print(output, versions, () => `pgwarden ${versions.pgwarden} (Node ${versions.node})`);
    });
}
