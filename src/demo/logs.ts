import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { logFile } from './layout.ts';
import type { Demo } from './state.ts';

const POLL_MILLIS = 250;

/** Prints the logs of the named processes, one after another; `follow`: goes on with what is added, until `signal`. */
export async function printLogs(
  demo: Demo,
  names: readonly string[],
  follow: boolean,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<void> {
  const ends = new Map<string, number>();
  for (const name of names) ends.set(name, await copyFrom(logFile(demo.layout, name), 0, output));
  while (follow && !signal.aborted) {
    for (const name of names) {
      const path = logFile(demo.layout, name);
      const from = ends.get(name) ?? 0;
      const size = await stat(path).then(
        (found) => found.size,
        () => 0,
      );
      if (size !== from) ends.set(name, await copyFrom(path, size < from ? 0 : from, output));
    }
    await sleep(POLL_MILLIS, undefined, { signal }).catch(() => {});
  }
}

/** Copies a file from an offset to its end; returns where that was. */
async function copyFrom(path: string, start: number, output: NodeJS.WritableStream): Promise<number> {
  if (!existsSync(path)) return 0;
  let end = start;
  for await (const chunk of createReadStream(path, { start })) {
    end += (chunk as Buffer).length;
    if (!output.write(chunk)) await once(output, 'drain');
  }
  return end;
}
