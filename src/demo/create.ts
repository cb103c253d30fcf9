import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PROGRAM_VERSION } from '../commands/version.ts';
import { type AgentUser, agentUser, requireReachable } from './agent-user.ts';
import { DirectoryTooLongError, ForeignDirectoryError, NoDemoError, NotLinuxError } from './errors.ts';
import { DIRECTORY_MAX_BYTES, type Layout, layoutOf, ownEntries, secretFile } from './layout.ts';
import { LAYOUT_FORMAT, type Manifest, readManifest, writeManifest } from './manifest.ts';
import { memberConfig } from './member-config.ts';
import { chooseFreePorts, type Ports, portsFrom, requireFree } from './ports.ts';
import { builtProgram, copyProgram } from './program-copy.ts';
import { type Demo, demoOf } from './state.ts';

/** Agents expect members to be named after the cluster: pg-0, pg-1, … */
const CLUSTER = 'pg';
const NAMESPACE = 'default';
const HOST = '127.0.0.1';

export interface CreateOptions {
  readonly dir: string;
  /** 1 to 9. */
  readonly members: number;
  /** The first port of a row; null: free ones are chosen. */
  readonly portBase: number | null;
  /** Whether its members archive, to a directory of the demo; left out: they do not. */
  readonly archives?: boolean;
}

/**
 * Lays a new demo cluster out. Everything that can be wrong is looked at first, so that an error leaves nothing
 * behind. Throws ForeignDirectoryError, PortBusyError, DirectoryTooLongError and their like.
 */
export async function createDemo(options: CreateOptions): Promise<Demo> {
  if (process.platform !== 'linux') throw new NotLinuxError(process.platform);
  const layout = layoutOf(resolve(options.dir));
  if (Buffer.byteLength(layout.dir) > DIRECTORY_MAX_BYTES) {
    throw new DirectoryTooLongError(layout.dir, DIRECTORY_MAX_BYTES);
  }
  await requireEmpty(layout);
  builtProgram();
  const user = await agentUser();
  if (user !== null) await requireReachable(layout.dir, user);
  const ports = await choosePorts(options);
  const manifest = newManifest(ports);
  await layOut(layout, manifest, user, options.archives ?? false);
  const created: Manifest = { ...manifest, stage: 'created' };
  await writeManifest(layout, created);
  return demoOf(layout, created);
}

/** Throws unless the directory is absent or empty; for one with a demo the errors of readManifest. */
async function requireEmpty(layout: Layout): Promise<void> {
  const found = await readdir(layout.dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') throw new ForeignDirectoryError(layout.dir, 'a file, and no directory');
    throw error;
  });
  if (found.length > 0) throw new ForeignDirectoryError(layout.dir, found.slice(0, 3).join(', '));
}

async function choosePorts({ members, portBase }: CreateOptions): Promise<Ports> {
  if (portBase === null) return chooseFreePorts(members, Math.random);
  const ports = portsFrom(portBase, members);
  await requireFree(ports, memberNames(members), 'name another row with --port-base, or leave it away');
  return ports;
}

const memberNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${CLUSTER}-${index}`);

function newManifest(ports: Ports): Manifest {
  const names = memberNames(ports.members.length);
  return {
    format: LAYOUT_FORMAT,
    version: PROGRAM_VERSION,
    stage: 'creating',
    createdAt: new Date().toISOString(),
    cluster: CLUSTER,
    namespace: NAMESPACE,
    host: HOST,
    apiPort: ports.api,
    members: ports.members.map((member, index) => ({ name: names[index] ?? '', ...member })),
  };
}

async function layOut(
  layout: Layout,
  manifest: Manifest,
  user: AgentUser | null,
  archives: boolean,
): Promise<void> {
  const demo = demoOf(layout, manifest);
  await mkdir(layout.dir, { recursive: true });
  await writeManifest(layout, manifest);
  // Whatever the umask: the agents' user has to get in.
  await chmod(layout.dir, 0o755);
  for (const path of [layout.members, layout.run, layout.logs, layout.state])
    await directory(path, 0o755, null);
  for (const path of [layout.secrets, layout.api]) await directory(path, 0o700, user);
  if (archives) await directory(layout.archive, 0o700, user);
  await copyProgram(layout, manifest.version);
  for (const name of ['superuser', 'replication', 'application'] as const) {
    await secret(secretFile(layout, name), user);
  }
  await secret(layout.token, user);
  for (const member of demo.members) {
    await directory(member.volume, 0o700, user);
    await directory(member.socketDirectory, 0o700, user);
    await writeFile(member.config, memberConfig(layout, manifest, member, archives));
    await chmod(member.config, 0o644);
  }
}

async function directory(path: string, mode: number, owner: AgentUser | null): Promise<void> {
  await mkdir(path);
  await chmod(path, mode);
  if (owner !== null) await chown(path, owner.uid, owner.gid);
}

/** 144 random bits; the alphabet needs no escapes in a URL. */
async function secret(path: string, owner: AgentUser | null): Promise<void> {
  await writeFile(path, randomBytes(18).toString('base64url'), { mode: 0o600 });
  if (owner !== null) await chown(path, owner.uid, owner.gid);
}

/**
 * Deletes what a demo made, and the directory if nothing else is in it; returns what is left. Half-made and
 * other versions' demos can be deleted too; what is no demo throws NoDemoError or BrokenManifestError.
 */
export async function removeDemo(dir: string): Promise<readonly string[]> {
  const layout = layoutOf(resolve(dir));
  await readManifest(layout).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'OTHER_VERSION') throw error;
  });
  for (const path of ownEntries(layout)) await rm(path, { recursive: true, force: true });
  await rm(`${layout.manifest}.new`, { force: true });
  const left = await readdir(layout.dir);
  if (left.length === 0) await rm(layout.dir, { recursive: true });
  return left;
}

/** Whether a demo (whatever its state) is in the directory. */
export async function hasDemo(dir: string): Promise<boolean> {
  try {
    await readManifest(layoutOf(resolve(dir)));
    return true;
  } catch (error) {
    if (error instanceof NoDemoError) return false;
    throw error;
  }
}
