import { type Command, Option } from 'commander';
import { parseSeconds } from './change.ts';
import { registerDemoFaults } from './demo-faults.ts';
import { registerDemoLife } from './demo-life.ts';
import { addDirectory, wholeBetween } from './demo-options.ts';
import { type OutputFormat, outputOption } from './output/format.ts';

interface Options {
  readonly dir?: string;
  readonly members?: number;
  readonly portBase?: number;
  readonly archive: boolean;
  readonly detach?: boolean;
  readonly timeout: number;
  readonly output: OutputFormat;
}

/** How long a whole cluster may take to come up on a slow machine. */
export const COMPLETE_SECONDS = 180;

/** `pgwarden demo`: a whole cluster on this machine. */
export function registerDemo(program: Command): void {
  const command = program
    .command('demo')
    .summary('run a whole cluster on this machine')
    .description(
      'Runs a cluster on loopback: an embedded Kubernetes-compatible API, and agents each with its own ' +
        'Postgres. In the foreground it shows the cluster until Ctrl-C, which stops everything. A demo that ' +
        'was stopped goes on where it was.',
    );
  addDirectory(command)
    .addOption(new Option('--members <n>', 'how many, 1 to 9 (default: 3)').argParser(wholeBetween(1, 9)))
    .addOption(
      new Option('--port-base <port>', 'first of a row of ports (default: free ones)').argParser(
        wholeBetween(1, 65535),
      ),
    )
    .option('--no-archive', "without an archive (default: the directory `archive` of the demo's)")
    .option('-d, --detach', 'go on in the background once every standby streams')
    .addOption(
      new Option('--timeout <seconds>', 'how long the cluster may take to come up')
        .default(COMPLETE_SECONDS)
        .argParser(parseSeconds),
    )
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ pgwarden demo --members 3\n  $ pgwarden demo --detach -o json')
    .action(demo);
  registerDemoLife(command);
  registerDemoFaults(command);
}

async function demo(options: Options): Promise<void> {
  const [{ obtainDemo }, { defaultDirectory }] = await Promise.all([
    import('../demo/obtain.ts'),
    import('../demo/layout.ts'),
  ]);
  const obtained = await obtainDemo({
    dir: options.dir ?? defaultDirectory(process.env),
    members: options.members ?? null,
    portBase: options.portBase ?? null,
    archives: options.archive,
  });
  if (options.detach === true) {
    const { startAndReport } = await import('./demo-start.ts');
    await startAndReport(obtained, options.timeout, options.output);
    return;
  }
  const { runForeground } = await import('../demo/foreground.ts');
  process.exitCode = await runForeground(obtained, options.timeout);
}
