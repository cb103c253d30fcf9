import { execa } from 'execa';

export interface KubectlOptions {
  readonly input?: string;
  /** Exit codes that are answers; default: 0. */
  readonly accept?: readonly number[];
  readonly timeoutMillis?: number;
}

/** Runs kubectl against the cluster of KUBECONFIG; rejects with what it printed where it failed. */
export async function kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr, timedOut } = await execa('kubectl', args, {
    reject: false,
    timeout: options.timeoutMillis ?? 120_000,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  if (!timedOut && (options.accept ?? [0]).includes(exitCode ?? -1)) return stdout;
  const how = timedOut ? 'took too long' : `exit code ${exitCode}`;
  throw new Error(`kubectl ${args.join(' ')}: ${how}\n${stderr}\n${stdout}`);
}

export async function kubectlJson<Result>(args: readonly string[]): Promise<Result> {
  return JSON.parse(await kubectl([...args, '-o', 'json'])) as Result;
}
