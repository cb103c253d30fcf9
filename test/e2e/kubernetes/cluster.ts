import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import type { ClusterStatus } from '../../../src/http/ports.ts';
import { MAIN } from '../cluster.ts';
import { type WaitForOptions, waitFor } from '../wait-for.ts';
import { keepEvidence } from './evidence.ts';
import { kubectl, kubectlJson } from './kubectl.ts';
import { installLoad, loadPod } from './load/install.ts';
import { RemoteWriter } from './load/remote-writer.ts';
import { isReady, type Pod } from './pod.ts';

const MANIFESTS = join(import.meta.dirname, '..', '..', '..', 'manifests');

/** Silent connections are given up as tcp_user_timeout=2000 does it for libpq. */
const LOAD = { connections: 8, deadAfterMillis: 2000 };

/** What `pgwarden secrets -o json` prints. */
interface Secrets {
  readonly items: readonly {
    readonly type: string;
    readonly stringData: Readonly<Record<string, string>>;
  }[];
}

export interface StartOptions {
  readonly image: string;
  readonly overlay?: string;
  /** Folders below manifests/components. */
  readonly components?: readonly string[];
  readonly namespace?: string;
  /** Objects that are there before it: JSON or YAML each. */
  readonly before?: readonly string[];
  /** Patches in kustomize's form. */
  readonly patches?: readonly unknown[];
}

/** A cluster on real Kubernetes, in a namespace of its own, from the manifests as they are shipped. */
export class KubernetesCluster implements AsyncDisposable {
  readonly namespace: string;
  readonly #options: StartOptions;
  readonly #secrets: Secrets;
  /** Objects of no namespace that were made for it. */
  readonly #outside = new Set<string>();

  private constructor(options: StartOptions, secrets: Secrets) {
    this.#options = options;
    this.#secrets = secrets;
    this.namespace = options.namespace ?? `pgwarden-${randomBytes(3).toString('hex')}`;
  }

  static async start(options: StartOptions): Promise<KubernetesCluster> {
    const { stdout } = await execa(process.execPath, [MAIN, 'secrets', '-o', 'json']);
    const cluster = new KubernetesCluster(options, JSON.parse(stdout) as Secrets);
    const { namespace } = cluster;
    await kubectl(['create', 'namespace', namespace]);
    try {
      await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
      await kubectl(['-n', namespace, 'create', '-f', '-'], { input: stdout });
      for (const input of options.before ?? [])
        await kubectl(['-n', namespace, 'create', '-f', '-'], { input });
      await cluster.apply();
      await installLoad(namespace, options.image);
    } catch (error) {
      await cluster.keepEvidence('start');
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** `kubectl apply -k`, as a person would, of the overlay with this cluster's image; what it printed. */
  async apply(change: Partial<StartOptions> = {}): Promise<string> {
    const options = { ...this.#options, ...change };
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-overlay-'));
    const at = (path: string): string => relative(directory, join(MANIFESTS, path));
    const [newName, newTag] = splitImage(options.image);
    try {
      await writeFile(
        join(directory, 'kustomization.yaml'),
        stringify({
          apiVersion: 'kustomize.config.k8s.io/v1beta1',
          kind: 'Kustomization',
          namespace: this.namespace,
          resources: [at(`overlays/${options.overlay ?? 'quickstart'}`)],
          components: (options.components ?? []).map((name) => at(`components/${name}`)),
          images: [{ name: 'pgwarden', newName, newTag }],
          patches: options.patches ?? [],
        }),
      );
      const told = await kubectl(['apply', '-k', directory]);
      for (const object of clusterScoped(told)) this.#outside.add(object);
      return told;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** kubectl in this cluster's namespace. */
  kubectl(args: readonly string[], options: Parameters<typeof kubectl>[1] = {}): Promise<string> {
    return kubectl(['-n', this.namespace, ...args], options);
  }

  async pods(): Promise<readonly Pod[]> {
    const selector = 'app.kubernetes.io/name=pgwarden,app.kubernetes.io/instance=pg';
    return (
      await kubectlJson<{ items: readonly Pod[] }>(['-n', this.namespace, 'get', 'pods', '-l', selector])
    ).items;
  }

  async pod(name: string): Promise<Pod> {
    return await kubectlJson<Pod>(['-n', this.namespace, 'get', 'pod', name]);
  }

  /** `pgwarden ARGS` in a pod that answers. */
  async pgwarden(args: readonly string[], pod?: string): Promise<string> {
    const name = pod ?? (await this.#anyPod());
    return await this.kubectl(['exec', name, '-c', 'postgres', '--', 'pgwarden', ...args]);
  }

  async status(pod?: string): Promise<ClusterStatus> {
    return JSON.parse(await this.pgwarden(['status', '-o', 'json'], pod)) as ClusterStatus;
  }

  /** The pod that is labelled as the primary: waited for. */
  async primary(options: WaitForOptions = {}): Promise<string> {
    return await waitFor(
      'one pod that is labelled as the primary',
      async () => {
        const found = (await this.pods()).filter(
          ({ metadata }) => metadata.labels['pgwarden.dev/role'] === 'primary',
        );
        return found.length === 1 ? found[0]?.metadata.name : null;
      },
      options,
    );
  }

  async nodeOf(pod: string): Promise<string> {
    return (await this.pod(pod)).spec.nodeName ?? '';
  }

  /** One primary, every other member of `members` streaming, commits protected, every pod ready. */
  async waitUntilComplete(members = 3, options: WaitForOptions = {}): Promise<void> {
    const select = async (): Promise<boolean> => {
      const pods = await this.pods();
      if (pods.length !== members || !pods.every(isReady)) return false;
      const status = await this.status();
      const standbys = status.members.filter(({ name }) => name !== status.primary);
      return (
        status.primary !== null &&
        status.settledEpoch === status.epoch &&
        standbys.length === members - 1 &&
        standbys.every(({ streaming }) => streaming) &&
        status.cohort.length === members - 1
      );
    };
    try {
      await waitFor(`${members} members, complete`, select, {
        timeoutMillis: 180_000,
        intervalMillis: 500,
        ...options,
      });
    } catch (error) {
      const seen = await this.kubectl(['get', 'pods', '-o', 'wide']).catch((cause: Error) => cause.message);
      const status = await this.pgwarden(['status']).catch((cause: Error) => cause.message);
      throw new Error(`${(error as Error).message}\n${seen}\n${status}`, { cause: error });
    }
  }

  /** A load through the Service `-rw`, from a node other than `avoid`. */
  async write(avoid: string | null = null): Promise<RemoteWriter> {
    const pod = await loadPod(this.namespace, avoid);
    return await RemoteWriter.start({ namespace: this.namespace, pod }, this.url('pg-rw'), LOAD);
  }

  /** The same from this machine, which must have the nodes: it goes on while the API stands still. */
  async writeFromHere(): Promise<RemoteWriter> {
    const address = await this.kubectl(['get', 'service', 'pg-rw', '-o', 'jsonpath={.spec.clusterIP}']);
    return await RemoteWriter.start('here', this.url(address), LOAD);
  }

  /** Every acknowledged row is on every member, and no two histories acknowledged. Ends the load. */
  async verify(writer: RemoteWriter, members = 3): Promise<{ readonly acknowledged: number }> {
    await this.waitUntilComplete(members);
    const told = await writer.stop();
    if (told.stale.length > 0)
      throw new Error(`two histories acknowledged: ${JSON.stringify(told.stale.slice(0, 5))}`);
    for (const { metadata, status } of await this.pods()) {
      await waitFor(
        `every acknowledged row on ${metadata.name}`,
        async () => {
          const missing = await writer.missingAt(this.url(status.podIP ?? ''));
          if (missing.length > 0)
            throw new Error(`${missing.length} rows are missing: ${missing.slice(0, 5)}`);
          return true;
        },
        { timeoutMillis: 20_000, intervalMillis: 500 },
      );
    }
    writer.kill();
    return { acknowledged: told.acknowledged };
  }

  /** How often containers were started again, by pod: probes must never do it to a healthy one. */
  async restarts(): Promise<ReadonlyMap<string, number>> {
    return new Map(
      (await this.pods()).map(({ metadata, status }) => [
        metadata.uid,
        (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
      ]),
    );
  }

  /** What a client of `host` (a Service, or a pod's address) connects with. */
  url(host: string, port = 5432): string {
    const password = this.#secrets.items.find(({ type }) => type !== 'Opaque')?.stringData.password;
    return `postgresql://app:${password}@${host}:${port}/app?connect_timeout=2`;
  }

  /** For who reads the failure of `what`. */
  async keepEvidence(what: string): Promise<void> {
    await keepEvidence(this.namespace, what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (process.env.PGWARDEN_TEST_KEEP !== undefined) {
      process.stderr.write(`kept: namespace ${this.namespace}\n`);
      return;
    }
    for (const object of this.#outside) await kubectl(['delete', object, '--wait=false']);
    // At once, whenever the namespace is gone: the next cluster may want the same node ports.
    await this.kubectl(['delete', 'services', '--all']);
    await kubectl(['delete', 'namespace', this.namespace, '--wait=false', '--ignore-not-found']);
  }

  async #anyPod(): Promise<string> {
    const ready = (await this.pods()).find(isReady);
    if (ready === undefined) throw new Error('no pod is ready');
    return ready.metadata.name;
  }
}

function splitImage(image: string): readonly [string, string] {
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest'];
}

/** What `kubectl apply` says that it made of the component `priority`: who has it already keeps theirs. */
export function clusterScoped(told: string): readonly string[] {
  return [...told.matchAll(/^((?:priorityclass|flowschema)\S+) created$/gm)].map(
    ([, object]) => object ?? '',
  );
}
