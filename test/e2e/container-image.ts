import { join } from 'node:path';
import { execa } from 'execa';

const ROOT = join(import.meta.dirname, '..', '..');
/** Longer than a machine takes that has built nothing yet: its tools come first. */
const BUILD_WITHIN = 25 * 60_000;

export interface BuiltImage {
  readonly name: string;
  /** Stops the engine where it was started for this. */
  readonly release: () => Promise<void>;
}

/** The image of this clone, built by the Docker engine that runs, or by one that is started (test/docker). */
export async function buildImage(): Promise<BuiltImage> {
  const ran = (await answers('info')) && (await answers('compose', 'version'));
  if (!ran) {
    say('starting a Docker engine');
    await runScript('test/docker/docker-up');
  }
  const release = async (): Promise<void> => {
    if (!ran) await runScript('test/docker/docker-down');
  };
  const name = 'pgwarden:e2e';
  try {
    say('building the image');
    await execa('docker', ['build', '--network', 'host', '-t', name, '-f', 'image/Dockerfile', '.'], {
      cwd: ROOT,
      env: { DOCKER_BUILDKIT: '0' },
      timeout: BUILD_WITHIN,
      stdin: 'ignore',
    });
  } catch (error) {
    await release();
    throw error;
  }
  return { name, release };
}

async function answers(...args: readonly string[]): Promise<boolean> {
  return !(await execa('docker', args, { reject: false, timeout: 20_000 })).failed;
}

/** One of this repository's scripts that start something. */
export async function runScript(path: string, env: Record<string, string> = {}): Promise<void> {
  await execa(join(ROOT, path), [], {
    env,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
    timeout: BUILD_WITHIN,
    // What it starts stays and holds its output open.
    buffer: false,
  });
}

export function say(what: string): void {
  process.stderr.write(`${what}\n`);
}
