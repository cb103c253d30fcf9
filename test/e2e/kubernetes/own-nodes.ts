import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { kubeHome } from '../../../scripts/test/kubernetes-here.mjs';
import { kubectl } from './kubectl.ts';

const SCRIPTS = join(import.meta.dirname, '..', '..', 'kube');

/** Stops a process of test/kube (`apiserver`, `kubelet-1`) where it stands; resolves with what lets it go on. */
export async function freeze(name: string): Promise<() => Promise<void>> {
  const pid = Number(await readFile(join(kubeHome(), 'state', 'pid', name), 'utf8'));
  process.kill(pid, 'SIGSTOP');
  return async () => {
    process.kill(pid, 'SIGCONT');
  };
}

export async function nodeCut(node: string, what: 'api' | 'peers' | 'all' | 'heal'): Promise<void> {
  await execa(join(SCRIPTS, 'node-cut'), [numberOf(node), what]);
}

export async function nodeKill(node: string): Promise<void> {
  await execa(join(SCRIPTS, 'node-kill'), [numberOf(node)]);
}

/** Brings back what nodeKill took. */
export async function nodesUp(): Promise<void> {
  await execa(join(SCRIPTS, 'kube-up'), [], { env: { KUBE_NODES: '3' }, stdin: 'ignore' });
}

/** The folder on this machine that holds the data of a claim: the volumes of test/kube are folders. */
export async function volumeOf(namespace: string, claim: string): Promise<string> {
  const volume = await kubectl(['-n', namespace, 'get', 'pvc', claim, '-o', 'jsonpath={.spec.volumeName}']);
  return await kubectl(['get', 'pv', volume, '-o', 'jsonpath={.spec.hostPath.path}']);
}

/** Of `node-N`. */
export function numberOf(node: string): string {
  return node.replace('node-', '');
}
