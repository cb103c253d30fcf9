import type { Command } from 'commander';
import {
  addChangeOptions,
  type ChangeContext,
  type ChangeOptions,
  carryOut,
  type Outcome,
} from './change.ts';
import { CommandError, PartlyDoneError } from './errors.ts';
import { restartOrder } from './restart.ts';

/** `pgwarden reload`: has the agents read their configuration again. */
export function registerReload(program: Command): void {
  const command = program
    .command('reload')
    .summary('read the configuration again')
    .description(
      'Has the agent of one member, or of all, read its configuration again and apply what needs no restart. ' +
        'What does is shown by pgwarden status as a pending restart.',
    )
    .argument('[member]', 'the member; without: every one');
  addChangeOptions(command, 30)
    .addHelpText('after', '\nExample:\n  $ pgwarden reload pg-1')
    .action((member: string | undefined, options: ChangeOptions) =>
      carryOut(options, (context) => reload(context, member)),
    );
}

async function reload(context: ChangeContext, name: string | undefined): Promise<Outcome> {
  const members = restartOrder(await context.client.cluster(context.signal), name);
  const names = members.map((member) => member.name);
  context.announce(`reloading the configuration of ${names.join(', ')}`);
  const said: Record<string, string> = {};
  const failed: { member: string; error: Error }[] = [];
  for (const member of names) {
    const path = `/v1/members/${encodeURIComponent(member)}/reload`;
    try {
      said[member] = await context.client.change({ method: 'POST', path }, context.signal);
    } catch (error) {
      context.signal.throwIfAborted();
      // One member that is away, or whose file is wrong, keeps no other from its own.
      if (names.length === 1 || !(error instanceof CommandError)) throw error;
      failed.push({ member, error });
    }
  }
  const lines = Object.entries(said).map(([member, text]) => `${member}: ${text}`);
  if (failed.length > 0) throw new PartlyDoneError('the reload', lines, failed);
  return { message: lines.join('\n'), reloaded: said };
}
