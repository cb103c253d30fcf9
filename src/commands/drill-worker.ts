import { once } from 'node:events';
import os from 'node:os';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import type { DrillMessage, DrillOrder } from '../agent/drill/spawn-drill.ts';

/** `pgwarden drill-worker`: what the agent starts for a drill. Takes its order from standard input, and ends with it. */
export function registerDrillWorker(program: Command): void {
  program.command('drill-worker', { hidden: true }).action(work);
}

async function work(): Promise<void> {
  lowerPriority();
  const ended = new AbortController();
  const lines = createInterface({ input: process.stdin });
  const [line] = (await once(lines, 'line')) as [string];
  const order = JSON.parse(line) as DrillOrder;
  lines.once('close', () => ended.abort());
  const [{ holdDrill }, { openRestoreSource }, { sentenceOfDrill, fractionOf }] = await Promise.all([
    import('../archive/drill/drill.ts'),
    import('../archive/restore/source.ts'),
    import('./drill-progress.ts'),
  ]);
  const say = (message: DrillMessage): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
  const source = await openRestoreSource(order.settings, ended.signal);
  try {
    const result = await holdDrill(
      {
        ...order.options,
        source,
        report: (progress) => say({ detail: sentenceOfDrill(progress), fraction: fractionOf(progress) }),
      },
      ended.signal,
    );
    say({ result });
  } finally {
    source.store.close();
    // Nothing else is to keep this process.
    lines.close();
    process.stdin.destroy();
  }
}

/**
 * For this process and all that it starts: Postgres, pg_amcheck. The kernel takes the priority in reading and writing
 * from it, too (ioprio_set(2)).
 */
export function lowerPriority(): void {
  os.setPriority(os.constants.priority.PRIORITY_LOW);
}
