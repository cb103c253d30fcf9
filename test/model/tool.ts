import { execa } from 'execa';
import { ModelRunError, ModelToolError } from './errors.ts';

/**
 * Runs a program in `cwd` for at most `limit` milliseconds; returns what it printed.
 * @throws ModelToolError where there is no such program; ModelRunError where it did not end with an accepted code.
 */
export async function runTool(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly limit: number;
    readonly signal?: AbortSignal | undefined;
    readonly accepted?: readonly number[];
  },
): Promise<string> {
  const { cwd, limit, signal, accepted = [0] } = options;
  const result = await execa(program, args, {
    cwd,
    timeout: limit,
    maxBuffer: 1 << 26,
    reject: false,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  if (result.code === 'ENOENT') {
    throw new ModelToolError(
      `the models need the program ${program}, which is not in PATH`,
      'Debian: apt-get update && apt-get install -y spin gcc libc6-dev',
      { cause: result.cause },
    );
  }
  if (result.exitCode === undefined || !accepted.includes(result.exitCode)) {
    const end = result.timedOut
      ? `took more than ${limit / 1000} s`
      : `ended with ${result.exitCode ?? result.signal}`;
    throw new ModelRunError(`${program} ${end}:\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}
