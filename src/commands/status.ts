import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { parseSeconds } from './change.ts';
import type { ClusterClient } from './client/cluster-client.ts';
import type { Whereabouts } from './client/find.ts';
import { addConnectionOptions, connect } from './connection-options.ts';
import { CommandError, InterruptedError } from './errors.ts';
import { interruptible } from './interrupt.ts';
import { type OutputFormat, outputOption, print, render } from './output/format.ts';
import { statusTable } from './status-table.ts';

interface Options extends Whereabouts {
  readonly watch?: boolean;
  readonly interval: number;
  readonly output: OutputFormat;
}

/** `pgwarden status`: the cluster as its agents see it. */
export function registerStatus(program: Command): void {
  const command = program
    .command('status')
    .summary('show the cluster')
    .description('Shows the members of the cluster: role, state, timeline, lag, epoch.')
    .option('-w, --watch', 'again and again, until Ctrl-C')
    .option('--interval <seconds>', 'how often, with --watch', parseSeconds, 1);
  addConnectionOptions(command)
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ pgwarden status --watch')
    .action(async (options: Options) => {
      const client = await connect(options);
      if (options.watch === true) await watch(client, options);
      else await once(client, options.output);
    });
}

async function once(client: ClusterClient, format: OutputFormat): Promise<void> {
  const cluster = await interruptible((signal) => client.clusterFirstHand(signal));
  await print(format, cluster, () => statusTable(cluster));
}

/** Ctrl-C is how a watch ends: not an error. */
async function watch(client: ClusterClient, options: Options): Promise<void> {
  try {
    await interruptible(async (signal) => {
      for (;;) {
        await show(client, options.output, signal);
        await sleep(options.interval * 1000, undefined, { signal });
      }
    });
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
  }
}

async function show(client: ClusterClient, format: OutputFormat, signal: AbortSignal): Promise<void> {
  let text: string;
  try {
    const cluster = await client.clusterFirstHand(signal);
    text =
      format === 'json' ? JSON.stringify(cluster) : await render(format, cluster, () => statusTable(cluster));
  } catch (error) {
    // A watch outlives an agent that is away for a while.
    if (format !== 'table' || !(error instanceof CommandError)) throw error;
    text = error.message;
  }
  const separator = format === 'yaml' ? '---\n' : '';
  const clear = format === 'table' && process.stdout.isTTY ? '\u001b[H\u001b[2J' : '';
  process.stdout.write(`${clear}${separator}${text}\n`);
}
