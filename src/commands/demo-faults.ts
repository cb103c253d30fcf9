import { type Command, Option } from 'commander';
import type { Target } from '../demo/fault.ts';
import { parseSeconds } from './change.ts';
import { addDirectory, type DirectoryOption, openNamed } from './demo-options.ts';
import { interruptible } from './interrupt.ts';
import { openProgress } from './output/progress.ts';
import { waitFor } from './wait.ts';

interface KillOptions extends DirectoryOption {
  readonly what: Target;
  readonly signal: string;
  readonly stayDown?: boolean;
}

interface ReviveOptions extends DirectoryOption {
  readonly timeout: number;
  readonly wait: boolean;
}

/** `demo kill` and `demo revive`: faults to try. */
export function registerDemoFaults(demo: Command): void {
  addDirectory(demo.command('kill'))
    .description(
      'Sends a signal to processes of a member. An agent that ends is started again within a second or two, as ' +
        'the kubelet does with a container, unless --stay-down says otherwise.',
    )
    .argument('<member>', 'such as pg-0')
    .addOption(
      new Option('--what <target>', 'the agent, the postmaster, or all processes')
        .choices(['agent', 'postgres', 'all'])
        .default('all'),
    )
    .option('--signal <name>', 'KILL, TERM, STOP, CONT, …', 'KILL')
    .option('--stay-down', 'keep the agent down until demo revive')
    .addHelpText('after', '\nExample:\n  $ pgwarden demo kill pg-0 --what agent --signal STOP')
    .action(kill);

  addDirectory(demo.command('revive'))
    .description(
      'Undoes demo kill: what is frozen goes on, an agent that is kept down starts. Waits until the member is ' +
        'primary or streams.',
    )
    .argument('<member>', 'such as pg-0')
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for it').default(120).argParser(parseSeconds),
    )
    .option('--no-wait', 'exit at once')
    .addHelpText('after', '\nExample:\n  $ pgwarden demo revive pg-0')
    .action(revive);
}

async function kill(name: string, _: unknown, command: Command): Promise<void> {
  const options = command.optsWithGlobals() as KillOptions;
  const { faultMember, parseSignal } = await import('../demo/fault.ts');
  const { demoMember } = await import('../demo/state.ts');
  const demo = await openNamed(options);
  const fault = {
    what: options.what,
    signal: parseSignal(options.signal),
    stayDown: options.stayDown === true,
  };
  const pids = await faultMember(demo, demoMember(demo, name), fault);
  process.stderr.write(`${fault.signal} to ${name}, ${fault.what}: ${pids.join(' ') || 'nothing ran'}\n`);
}

async function revive(name: string, _: unknown, command: Command): Promise<void> {
  const options = command.optsWithGlobals() as ReviveOptions;
  const [{ reviveMember }, { demoMember }, observing] = await Promise.all([
    import('../demo/fault.ts'),
    import('../demo/state.ts'),
    import('../demo/observe.ts'),
  ]);
  const demo = await openNamed(options);
  await reviveMember(demo, demoMember(demo, name));
  if (!options.wait) return;
  await interruptible(async (signal) => {
    using progress = openProgress(process.stderr);
    await waitFor(
      async () => {
        const observations = await observing.observe(demo, signal);
        const primary = observing.servingPrimary(observations);
        const status = observations.find(({ member }) => member.name === name)?.status ?? null;
        const well = primary !== null && observing.doesItsPart(status, primary);
        return well ? { done: true, seen: '' } : { seen: observing.activity(status) };
      },
      { what: `the return of ${name}`, timeoutSeconds: options.timeout, progress, signal },
    );
  });
}
