import type { Configuration } from '../config/configuration.ts';
import { memberName } from '../ha/member.ts';
import { PodAnnouncer } from '../kubernetes/announcer.ts';
import { ApiClient } from '../kubernetes/client.ts';
import type { Clock } from '../kubernetes/clock.ts';
import { LeaseClusterStore } from '../kubernetes/cluster-store.ts';
import { ApiEndpoint } from '../kubernetes/endpoint.ts';
import { findEndpoint } from '../kubernetes/find-endpoint.ts';
import { LeaseKeeper } from '../kubernetes/lease-keeper.ts';
import { LeaseMemory } from '../kubernetes/lease-memory.ts';
import { RecordWriter } from '../kubernetes/record-writer.ts';
import { StatefulSetWorkload, type Workload } from '../kubernetes/workload.ts';
import type { ApiParts, Context } from './context.ts';

/** A call to the Kubernetes API, for metrics. `duration` in milliseconds. */
export type ObserveApiCall = (verb: string, resource: string, code: string, duration: number) => void;

export interface Api extends ApiParts {
  readonly workload: Workload;
  /** Keeps proofs fresh, watches, renews; until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * The parts that talk to the Kubernetes API: renewals and swaps over one client, watches and announcements over
 * another, so that neither holds up the other.
 */
export async function openApi(
  configuration: Configuration,
  context: Context,
  clock: Clock,
  observe: ObserveApiCall,
): Promise<Api> {
  const { cluster, kubernetes } = configuration;
  const source = await findEndpoint(
    {
      explicit:
        kubernetes.server === null
          ? null
          : {
              server: kubernetes.server,
              ...(kubernetes.tokenFile === null ? {} : { tokenFile: kubernetes.tokenFile }),
            },
      kubeconfig: kubernetes.kubeconfig,
    },
    process.env,
  );
  const endpoint = await ApiEndpoint.open(source, { log: context.log, clock });
  const options = {
    clock,
    observe: (verb: string, resource: string, code: string, seconds: number) =>
      observe(verb, resource, code, seconds * 1_000),
  };
  const urgent = new ApiClient(endpoint, options);
  const other = new ApiClient(endpoint, options);
  const place = { namespace: cluster.namespace, cluster: cluster.name, labels: kubernetes.labels };
  const memory = new LeaseMemory();
  const lease = new LeaseClusterStore({ client: urgent, ...place, log: context.log, clock, memory });
  const store = new LeaseClusterStore({ client: other, ...place, log: context.log, clock, memory });
  const writer = new RecordWriter(lease, clock);
  const keeper = new LeaseKeeper({
    writer,
    log: context.log,
    clock,
    onRenewed: (current, sentAt) => {
      context.hold.renewedAt = sentAt;
      context.tracker.onReachable(true);
      context.tracker.onSwapped(current);
    },
    onConflict: () => {
      context.tracker.onContradicted();
      context.wake();
    },
  });
  const announcer = new PodAnnouncer({
    client: other,
    namespace: cluster.namespace,
    member: memberName(cluster.memberName),
    podUID: cluster.podUID === 'none' ? '' : cluster.podUID,
    log: context.log,
    clock,
  });
  return {
    store,
    writer,
    keeper,
    announcer,
    workload: new StatefulSetWorkload(other, { namespace: cluster.namespace, name: cluster.name }),
    async run(signal) {
      await Promise.all([
        endpoint.run(signal),
        keeper.run(signal),
        store.watch(
          {
            onRecord: (current) => context.tracker.onWatch(current),
            onMember: (member, record) => context.peers.update(member, record),
            onReachable: (reachable) => context.tracker.onReachable(reachable),
          },
          signal,
        ),
      ]);
    },
    close() {
      urgent.close();
      other.close();
    },
  };
}
