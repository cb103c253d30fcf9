import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SIMULATE = fileURLToPath(new URL('../../simulation/simulate.ts', import.meta.url));

export interface Ended {
  readonly code: number;
  readonly text: string;
}

/** The simulator, in a process of its own: it exchanges timers, chance and modules before the product is imported. */
export async function simulate(...args: readonly string[]): Promise<Ended> {
  try {
    const { stdout } = await run(process.execPath, [SIMULATE, ...args], { maxBuffer: 64 * 1024 ** 2 });
    return { code: 0, text: stdout };
  } catch (error) {
    const failed = error as { readonly code?: number; readonly stdout?: string; readonly stderr?: string };
    return { code: failed.code ?? -1, text: `${failed.stdout ?? ''}${failed.stderr ?? ''}` };
  }
}
