import { waitUntilComplete } from '../demo/complete.ts';
import { describeDemo } from '../demo/describe.ts';
import { hints } from '../demo/hints.ts';
import { Narrator } from '../demo/narrator.ts';
import { startDemo } from '../demo/start.ts';
import type { Demo } from '../demo/state.ts';
import { killDemo } from '../demo/stop.ts';
import { demoTable } from './demo-table.ts';
import { interruptible } from './interrupt.ts';
import { type OutputFormat, print } from './output/format.ts';

/**
 * Starts a demo in the background, waits until every standby streams, and prints its description. Where it does
 * not come up, or Ctrl-C ends the wait, nothing is left running.
 */
export async function startAndReport(
  demo: Demo,
  timeoutSeconds: number,
  format: OutputFormat,
): Promise<void> {
  const description = await interruptible(async (signal) => {
    const narrator = format === 'table' ? new Narrator(process.stderr) : null;
    const supervisor = await startDemo(demo, false, signal);
    try {
      await waitUntilComplete(demo, {
        timeoutSeconds,
        signal,
        onLook: (observations) => narrator?.look(observations, new Date()),
      });
      const described = await describeDemo(demo, signal);
      supervisor.detach();
      return described;
    } catch (error) {
      await killDemo(demo);
      throw error;
    }
  });
  await print(format, description, () =>
    [demoTable(description), ...hints(demo, description.url, process.env).slice(0, -3)].join('\n'),
  );
}
