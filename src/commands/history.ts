import type { Command } from 'commander';
import type { HistoryEntry } from '../ha/record.ts';
import type { Whereabouts } from './client/find.ts';
import { addConnectionOptions, connect } from './connection-options.ts';
import { interruptible } from './interrupt.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { renderTable } from './output/table.ts';

/** `pgwarden history`: who was primary, since when, and why. */
export function registerHistory(program: Command): void {
  const command = program
    .command('history')
    .summary('who was primary, since when, and why')
    .description('Lists the epochs of the cluster, the newest last.');
  addConnectionOptions(command)
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ pgwarden history -o json')
    .action(async (options: Whereabouts & { output: OutputFormat }) => {
      const client = await connect(options);
      const history = await interruptible((signal) => client.history(signal));
      await print(options.output, history, () => historyTable(history));
    });
}

/** The history for people. */
export function historyTable(history: readonly HistoryEntry[]): string {
  if (history.length === 0) return 'no primary yet';
  return renderTable(
    [
      { title: 'EPOCH', cell: (entry) => String(entry.epoch), align: 'right' },
      { title: 'TIMELINE', cell: (entry) => String(entry.timeline), align: 'right' },
      { title: 'PRIMARY', cell: (entry) => entry.primary },
      { title: 'SINCE', cell: (entry) => entry.at },
      { title: 'SWITCH LSN', cell: (entry) => entry.switchLsn ?? '-' },
      { title: 'CAUSE', cell: (entry) => entry.cause },
    ],
    history,
  );
}
