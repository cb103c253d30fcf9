import type { Command } from 'commander';
import { addChangeOptions, type ChangeOptions, carryOut } from './change.ts';
import { setPaused } from './set-paused.ts';

/** `pgwarden resume`: lets the agents decide again. */
export function registerResume(program: Command): void {
  const command = program
    .command('resume')
    .summary('automatic changes of role again')
    .description('Ends a pause: the agents decide again.');
  addChangeOptions(command, 30)
    .addHelpText('after', '\nExample:\n  $ pgwarden resume')
    .action((options: ChangeOptions) => carryOut(options, (context) => setPaused(context, false)));
}
