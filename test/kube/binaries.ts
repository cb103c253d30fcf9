import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The oldest Go that builds Kubernetes 1.34. */
const GO_MINOR = 24;
const BUILD_WITHIN = 12 * 60_000;

/** What is needed to run an API server. */
export interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly source: string;
}

/** Why there are none, in words for the report of skipped tests. */
export class NoBinaries extends Error {}

/**
 * Finds etcd and kube-apiserver: in KUBEBUILDER_ASSETS, or in KUBE_HOME/bin, where `kube-up server` builds them first
 * when they are missing (minutes, once).
 * @throws NoBinaries
 */
export async function findBinaries(): Promise<Binaries> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets !== undefined && assets !== '') return await inFolder(assets, 'KUBEBUILDER_ASSETS');
  const bin = join(kubeHome(), 'bin');
  try {
    return await inFolder(bin, 'test/kube/kube-up');
  } catch (error) {
    if (!(error instanceof NoBinaries)) throw error;
    await build();
    return await inFolder(bin, 'test/kube/kube-up');
  }
}

/** As the file `environment` beside has it. */
function kubeHome(): string {
  const { KUBE_HOME, XDG_CACHE_HOME } = process.env;
  if (KUBE_HOME !== undefined && KUBE_HOME !== '') return KUBE_HOME;
  if (process.getuid?.() === 0) return '/opt/kube';
  return join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pgwarden', 'kube');
}

async function inFolder(folder: string, source: string): Promise<Binaries> {
  const binaries = { etcd: join(folder, 'etcd'), apiServer: join(folder, 'kube-apiserver'), source };
  for (const path of [binaries.etcd, binaries.apiServer]) {
    if (!(await isExecutable(path))) throw new NoBinaries(`${source}: there is no ${path}`);
  }
  return binaries;
}

async function build(): Promise<void> {
  if (process.platform !== 'linux') throw new NoBinaries('kube-apiserver is built on Linux only');
  await requireGo();
  console.warn('building etcd and kube-apiserver with test/kube/kube-up: a few minutes, once');
  const script = fileURLToPath(new URL('kube-up', import.meta.url));
  try {
    await run(script, ['server'], { timeout: BUILD_WITHIN, killSignal: 'SIGTERM' });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const lastLines = stderr.trim().split('\n').slice(-6).join(' | ');
    throw new NoBinaries(`test/kube/kube-up could not build kube-apiserver: ${lastLines || message}`);
  }
}

async function requireGo(): Promise<void> {
  const remedy = `install Go 1.${GO_MINOR} or newer, or set KUBEBUILDER_ASSETS or KUBECONFIG`;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = await Promise.all(folders.map((folder) => isExecutable(join(folder, 'go'))));
  if (!found.includes(true)) throw new NoBinaries(`no API server, and no Go to build one: ${remedy}`);
  const { stdout } = await run('go', ['env', 'GOVERSION'], { env: { ...process.env, GOTOOLCHAIN: 'local' } });
  const minor = Number(/^go1\.(\d+)/.exec(stdout.trim())?.[1] ?? 0);
  if (minor < GO_MINOR)
    throw new NoBinaries(`no API server, and ${stdout.trim()} is too old to build one: ${remedy}`);
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
