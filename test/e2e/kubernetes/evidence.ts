import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubectl } from './kubectl.ts';

/** Logs, events, and the cluster record, in a folder that is named: for who reads the failure. */
export async function keepEvidence(namespace: string, what: string): Promise<void> {
  const root = process.env.PGWARDEN_TEST_EVIDENCE ?? join(tmpdir(), 'pgwarden-evidence');
  const directory = join(root, `${namespace}-${what.replace(/\W+/g, '-').slice(0, 60)}`);
  await mkdir(directory, { recursive: true });
  const ask = (args: readonly string[]): Promise<string> =>
    kubectl(['-n', namespace, ...args], { timeoutMillis: 20_000 }).catch((error: Error) => error.message);
  const keep = async (file: string, args: readonly string[]): Promise<void> =>
    await writeFile(join(directory, file), await ask(args));
  await keep('pods.txt', ['get', 'pods', '-o', 'wide']);
  await keep('describe.txt', ['describe', 'pods']);
  await keep('events.txt', ['get', 'events', '--sort-by=.lastTimestamp']);
  await keep('leases.yaml', ['get', 'leases', '-o', 'yaml']);
  const members = await ask(['get', 'pods', '-l', 'app.kubernetes.io/name=pgwarden', '-o', 'name']);
  for (const pod of members.split('\n').filter((name) => name.startsWith('pod/'))) {
    const name = pod.slice('pod/'.length);
    await keep(`${name}.log`, ['logs', pod]);
    await keep(`${name}.previous.log`, ['logs', '--previous', pod]);
  }
  process.stderr.write(`  kept: ${directory}\n`);
}
