import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Millis } from '../ha/units.ts';
import type { Configuration } from './configuration.ts';
import type { Environment } from './environment.ts';
import type { ParsedConfiguration } from './schema.ts';

const SERVICE_ACCOUNT_NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** What defaults are found out from. */
export interface Surroundings {
  readonly environment: Environment;
  readonly hostname: string;
  /** The namespace of the pod's service account; null outside of Kubernetes. */
  readonly serviceAccountNamespace: string | null;
}

/** This machine. */
export function surroundings(environment: Environment): Surroundings {
  return { environment, hostname: hostname(), serviceAccountNamespace: readNamespace() };
}

/** Fills in what depends on the machine (the downward API's variables, the host name) and on other settings. */
export function resolve(parsed: ParsedConfiguration, around: Surroundings): Configuration {
  const { environment } = around;
  const { cluster, advertise, http, ha } = parsed;
  return {
    ...parsed,
    cluster: {
      ...cluster,
      namespace:
        cluster.namespace ?? given(environment.POD_NAMESPACE) ?? around.serviceAccountNamespace ?? 'default',
      memberName: cluster.memberName ?? given(environment.POD_NAME) ?? around.hostname,
      podUID: cluster.podUID ?? given(environment.POD_UID) ?? 'none',
    },
    advertise: {
      host: advertise.host ?? given(environment.POD_IP) ?? around.hostname,
      port: advertise.port ?? parsed.postgres.port,
    },
    http: { ...http, advertisedPort: http.advertisedPort ?? http.port },
    ha: { ...ha, renewInterval: ha.renewInterval ?? (Math.floor(ha.leaseDuration / 3) as Millis) },
  };
}

function given(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}

function readNamespace(): string | null {
  try {
    return readFileSync(SERVICE_ACCOUNT_NAMESPACE, 'utf8').trim() || null;
  } catch {
    // Not in a pod, or one without a service account's token: the next source of a default decides.
    return null;
  }
}
