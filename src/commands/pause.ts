import type { Command } from 'commander';
import { addChangeOptions, type ChangeOptions, carryOut } from './change.ts';
import { setPaused } from './set-paused.ts';

/** `pgwarden pause`: stops automatic changes of role. */
export function registerPause(program: Command): void {
  const command = program
    .command('pause')
    .summary('no automatic change of role (maintenance)')
    .description(
      'Pauses the cluster: no member changes its role by itself until resume. Postgres goes on as it is.',
    );
  addChangeOptions(command, 30)
    .addHelpText('after', '\nExample:\n  $ pgwarden pause')
    .action((options: ChangeOptions) => carryOut(options, (context) => setPaused(context, true)));
}
