import { type Command, Option } from 'commander';
import { parseSeconds } from './change.ts';
import { addDirectory, type DirectoryOption, openNamed } from './demo-options.ts';
import { InterruptedError, UsageError } from './errors.ts';
import { interruptible } from './interrupt.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { openProgress } from './output/progress.ts';

/** `demo status`, `start`, `stop`, `rm` and `logs`. */
export function registerDemoLife(demo: Command): void {
  addDirectory(demo.command('status'))
    .description('Shows the demo: members, ports, processes and roles, as demo --detach does.')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ pgwarden demo status -o json')
    .action(status);

  addDirectory(demo.command('start'))
    .description('Starts a demo that was stopped, in the background; exits once every standby streams.')
    .addOption(new Option('--timeout <seconds>', 'how long it may take').default(180).argParser(parseSeconds))
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ pgwarden demo start')
    .action(start);

  addDirectory(demo.command('stop'))
    .description('Stops everything in order: standbys, primary, API. The data is kept.')
    .option('--now', 'kill everything at once instead')
    .addHelpText('after', '\nExample:\n  $ pgwarden demo stop')
    .action(stop);

  addDirectory(demo.command('rm'))
    .description("Deletes a demo that does not run. A directory that is not a demo's is refused.")
    .option('--force', 'also one that runs: it is killed first')
    .addHelpText('after', '\nExample:\n  $ pgwarden demo rm --dir ./demo')
    .action(remove);

  addDirectory(demo.command('logs'))
    .description(
      'Prints the logs: of a member, of api or of supervisor; without a name those of every member.',
    )
    .argument('[name]', 'a member, api or supervisor')
    .option('-f, --follow', 'go on with what is added, until Ctrl-C')
    .addHelpText('after', '\nExample:\n  $ pgwarden demo logs pg-0 --follow')
    .action(logs);
}

type DemoCommandOptions = DirectoryOption & { readonly output: OutputFormat };

/** A parent command takes the options that it knows, wherever they stand: they are read together. */
const all = <Options>(command: Command): Options => command.optsWithGlobals() as Options;

async function status(_: unknown, command: Command): Promise<void> {
  const options = all<DemoCommandOptions>(command);
  const { describeDemo } = await import('../demo/describe.ts');
  const { demoTable } = await import('./demo-table.ts');
  const description = await describeDemo(await openNamed(options));
  await print(options.output, description, () => `${demoTable(description)}\n\n${description.url}`);
}

async function start(_: unknown, command: Command): Promise<void> {
  const options = all<DemoCommandOptions & { timeout: number }>(command);
  const { startAndReport } = await import('./demo-start.ts');
  await startAndReport(await openNamed(options), options.timeout, options.output);
}

async function stop(_: unknown, command: Command): Promise<void> {
  const options = all<DirectoryOption & { now?: boolean }>(command);
  const { killDemo, stopDemo } = await import('../demo/stop.ts');
  const demo = await openNamed(options);
  if (options.now === true) {
    await killDemo(demo);
  } else {
    using progress = openProgress(process.stderr);
    const ran = await stopDemo(demo, (text) => progress.update(text));
    if (!ran) progress.line(`the demo in ${demo.layout.dir} does not run`);
  }
}

async function remove(_: unknown, command: Command): Promise<void> {
  const options = all<DirectoryOption & { force?: boolean }>(command);
  const { defaultDirectory } = await import('../demo/layout.ts');
  const { deleteDemo } = await import('../demo/delete.ts');
  const dir = options.dir ?? defaultDirectory(process.env);
  const left = await deleteDemo(dir, options.force === true);
  process.stderr.write(
    left.length === 0 ? `deleted ${dir}\n` : `deleted the demo; ${dir} also holds ${left.join(', ')}: kept\n`,
  );
}

async function logs(name: string | undefined, _: unknown, command: Command): Promise<void> {
  const options = all<DirectoryOption & { follow?: boolean }>(command);
  const { printLogs } = await import('../demo/logs.ts');
  const demo = await openNamed(options);
  const members = demo.members.map((member) => member.name);
  const known = [...members, 'api', 'supervisor'];
  if (name !== undefined && !known.includes(name)) {
    throw new UsageError(`the demo has no log of ${name}`, `there are: ${known.join(', ')}`);
  }
  try {
    await interruptible((signal) =>
      printLogs(demo, name === undefined ? members : [name], options.follow === true, process.stdout, signal),
    );
  } catch (error) {
    // Ctrl-C is how following ends.
    if (!(error instanceof InterruptedError)) throw error;
  }
}
