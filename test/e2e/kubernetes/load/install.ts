import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { waitFor } from '../../wait-for.ts';
import { kubectl, kubectlJson } from '../kubectl.ts';

const LABEL = 'pgwarden-test-load';

/**
 * A pod a node that can run the load, so that there is always one which a fault of another node leaves alone. It runs
 * the image of the cluster, which has Node.js; the program comes by a ConfigMap.
 */
export async function installLoad(namespace: string, image: string): Promise<void> {
  const made = await mkdtemp(join(tmpdir(), 'pgwarden-load-'));
  const program = join(made, 'program.mjs');
  try {
    await build({
      entryPoints: [join(import.meta.dirname, 'program.ts')],
      outfile: program,
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      logLevel: 'warning',
      external: ['pg-native'],
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
    });
    const config = await kubectl([
      ...['-n', namespace, 'create', 'configmap', LABEL],
      ...[`--from-file=program.mjs=${program}`, '--dry-run=client', '-o', 'json'],
    ]);
    const items = [JSON.parse(config) as unknown, daemonSet(namespace, image)];
    await kubectl(['-n', namespace, 'apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    });
    await kubectl(['-n', namespace, 'rollout', 'status', `daemonset/${LABEL}`, '--timeout=120s']);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** The pod of the load on another node than `avoid`. */
export async function loadPod(namespace: string, avoid: string | null): Promise<string> {
  return await waitFor('a pod for the load', async () => {
    const { items } = await kubectlJson<{
      items: readonly {
        metadata: { name: string };
        spec: { nodeName?: string };
        status: { phase?: string };
      }[];
    }>(['-n', namespace, 'get', 'pods', '-l', `app=${LABEL}`]);
    return items.find(({ spec, status }) => status.phase === 'Running' && spec.nodeName !== avoid)?.metadata
      .name;
  });
}

function daemonSet(namespace: string, image: string): unknown {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: LABEL, namespace },
    spec: {
      selector: { matchLabels: { app: LABEL } },
      template: {
        metadata: { labels: { app: LABEL } },
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 0,
          securityContext: { runAsNonRoot: true, runAsUser: 26, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'load',
              image,
              imagePullPolicy: 'IfNotPresent',
              command: ['/usr/bin/tini', '--', 'sleep', 'infinity'],
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              volumeMounts: [{ name: 'program', mountPath: '/load' }],
            },
          ],
          volumes: [{ name: 'program', configMap: { name: LABEL } }],
        },
      },
    },
  };
}
