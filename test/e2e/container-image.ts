import { join } from 'node:path';
import { execa } from 'execa';

const ROOT = join(import.meta.dirname, '..', '..');
/** Longer than a machine takes that has built nothing yet: its tools come first. */
const BUILD_WITHIN = 25 * 60_000;

/** The image of this clone, built by the Docker engine that runs, or by one that is started (test/docker); its name. */
export async function buildImage(): Promise<string> {
  const name = 'pgwarden:e2e';
  const engine = await execa('docker', ['compose', 'version'], { reject: false });
  if (engine.failed || (await execa('docker', ['info'], { reject: false })).failed) {
    say('starting a Docker engine');
    await runScript('test/docker/docker-up');
  }
  say('building the image');
  await execa('docker', ['build', '--network', 'host', '-t', name, '-f', 'image/Dockerfile', '.'], {
    cwd: ROOT,
    env: { DOCKER_BUILDKIT: '0' },
    timeout: BUILD_WITHIN,
    stdin: 'ignore',
  });
  return name;
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
