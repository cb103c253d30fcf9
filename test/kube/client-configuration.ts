import { readFileSync } from 'node:fs';
import type { KubeConfig } from '@kubernetes/client-node';

/** How to reach an API server, and who to be there. */
export interface ClientConfiguration {
  /** An URL without a path. */
  readonly server: string;
  /** PEM; null: the system's. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly token: string | null;
}

/** The current context of the file that KUBECONFIG names. */
export async function fromKubeconfig(path: string): Promise<ClientConfiguration> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(path);
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  if (cluster === null) throw new Error(`${path} has no current context with a cluster`);
  const content = (data: string | undefined, file: string | undefined): string | null => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString();
    return file === undefined ? null : readFileSync(file, 'utf8');
  };
  return {
    server: cluster.server.replace(/\/$/, ''),
    ca: content(cluster.caData, cluster.caFile),
    cert: content(user?.certData, user?.certFile),
    key: content(user?.keyData, user?.keyFile),
    token: user?.token ?? null,
  };
}

/** The same for @kubernetes/client-node. */
export async function toKubeConfig(
  configuration: ClientConfiguration,
  namespace: string,
): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const { server, ca, cert, key, token } = configuration;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const config = new KubeConfig();
  config.loadFromOptions({
    // The client refuses plain HTTP unless told to verify nothing.
    clusters: [
      {
        name: 'test',
        server,
        skipTLSVerify: server.startsWith('http:'),
        ...(ca === null ? {} : { caData: base64(ca) }),
      },
    ],
    users: [
      {
        name: 'test',
        ...(cert === null ? {} : { certData: base64(cert) }),
        ...(key === null ? {} : { keyData: base64(key) }),
        ...(token === null ? {} : { token }),
      },
    ],
    contexts: [{ name: 'test', cluster: 'test', user: 'test', namespace }],
    currentContext: 'test',
  });
  return config;
}
