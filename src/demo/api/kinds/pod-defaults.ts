import { isObject, type JsonObject, type JsonValue, objectAt } from '../json.ts';

const UNREACHABLE: readonly JsonObject[] = ['not-ready', 'unreachable'].map((condition) => ({
  key: `node.kubernetes.io/${condition}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

/**
 * The defaults that the real server writes into the spec of a pod (pkg/apis/core/v1/defaults.go and the admission
 * plugins Priority and DefaultTolerationSeconds), as far as a plain pod shows them. Probes, ports and volumes get none.
 * On an update, what an admission plugin had set is kept from `old`.
 */
export function podSpecDefaults(spec: JsonObject, old?: JsonObject): JsonObject {
  const defaults: JsonObject = {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    priority: old?.priority ?? 0,
    enableServiceLinks: true,
    preemptionPolicy: old?.preemptionPolicy ?? 'PreemptLowerPriority',
  };
  const result: JsonObject = { ...defaults, ...spec, tolerations: tolerations(spec.tolerations) };
  const serviceAccount = result.serviceAccountName ?? result.serviceAccount;
  if (typeof serviceAccount === 'string') {
    result.serviceAccountName = serviceAccount;
    result.serviceAccount = serviceAccount;
  }
  for (const list of ['containers', 'initContainers'] as const) {
    const containers = spec[list];
    if (Array.isArray(containers)) {
      result[list] = containers.map((item) => (isObject(item) ? containerDefaults(item) : item));
    }
  }
  return result;
}

function tolerations(given: JsonValue | undefined): JsonValue[] {
  const list = Array.isArray(given) ? given : [];
  const tolerates = (key: JsonValue | undefined): boolean =>
    list.some((item) => isObject(item) && (item.key === key || item.key === undefined));
  return [...list, ...UNREACHABLE.filter((toleration) => !tolerates(toleration.key))];
}

function containerDefaults(container: JsonObject): JsonObject {
  const image = typeof container.image === 'string' ? container.image : '';
  const tag = image.includes('@') ? '' : (/:([^/:]+)$/.exec(image)?.[1] ?? 'latest');
  const resources = { ...objectAt(container, 'resources') };
  if (isObject(resources.limits))
    resources.requests = { ...resources.limits, ...objectAt(resources, 'requests') };
  return {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: tag === 'latest' ? 'Always' : 'IfNotPresent',
    ...container,
    resources,
  };
}

/** The QoS class: from the requests and limits for CPU and memory of all containers. */
export function qualityOfService(spec: JsonObject): 'BestEffort' | 'Burstable' | 'Guaranteed' {
  const containers = (Array.isArray(spec.containers) ? spec.containers : []).filter(isObject);
  const amounts = containers.map((container) => {
    const resources = objectAt(container, 'resources');
    return { requests: objectAt(resources, 'requests'), limits: objectAt(resources, 'limits') };
  });
  const kinds = ['cpu', 'memory'] as const;
  const none = amounts.every(({ requests, limits }) =>
    kinds.every((kind) => requests[kind] === undefined && limits[kind] === undefined),
  );
  if (none) return 'BestEffort';
  const full = amounts.every(({ requests, limits }) =>
    kinds.every((kind) => limits[kind] !== undefined && requests[kind] === limits[kind]),
  );
  return full ? 'Guaranteed' : 'Burstable';
}
