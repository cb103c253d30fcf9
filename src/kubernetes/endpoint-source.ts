import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EndpointConfigurationError } from './errors.ts';

/** How the server proves itself to us, and we to it. */
export interface TlsMaterial {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** The name that the server's certificate must carry; null: the one in the address. */
  readonly servername: string | null;
  readonly rejectUnauthorized: boolean;
}

/** Everything a call needs besides the address; held in memory, so that no call reads a file. */
export interface Material {
  /** Sent with each call, e.g. `Authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

/** Where an API server is, and where the proofs come from. Loading again sees what was rotated. */
export interface EndpointSource {
  readonly server: URL;
  /** The namespace that the source itself names (pod, context); null: none. */
  readonly namespace: string | null;
  load(): Promise<Material>;
}

/** An API server named by its address, with what it needs in files. */
export interface ExplicitEndpoint {
  readonly server: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** Where the kubelet puts a pod's projected token (documentation, "Configure Service Accounts for Pods"). */
export const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A source for an address and files. Throws EndpointConfigurationError. */
export function explicitSource(endpoint: ExplicitEndpoint, namespace: string | null = null): EndpointSource {
  if ((endpoint.certFile === undefined) !== (endpoint.keyFile === undefined)) {
    throw new EndpointConfigurationError(
      'A client certificate needs its key, and a key its certificate',
      'Give both certFile and keyFile, or neither.',
    );
  }
  return {
    server: serverUrl(endpoint.server),
    namespace,
    async load() {
      const [token, ca, cert, key] = await Promise.all([
        content(endpoint.tokenFile, 'token'),
        content(endpoint.caFile, 'certificate authority'),
        content(endpoint.certFile, 'client certificate'),
        content(endpoint.keyFile, 'client key'),
      ]);
      return {
        headers: token === null ? {} : { Authorization: `Bearer ${token.trim()}` },
        tls: { ca, cert, key, servername: null, rejectUnauthorized: true },
      };
    },
  };
}

/** Whether this process runs in a pod that may talk to the API. */
export function isInCluster(environment: NodeJS.ProcessEnv): boolean {
  return Boolean(environment.KUBERNETES_SERVICE_HOST && environment.KUBERNETES_SERVICE_PORT);
}

/** The API as a pod sees it: the Service's address is an IP, so no call waits for DNS. */
export async function inClusterSource(
  environment: NodeJS.ProcessEnv,
  directory = SERVICE_ACCOUNT_DIRECTORY,
): Promise<EndpointSource> {
  const host = environment.KUBERNETES_SERVICE_HOST ?? '';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${environment.KUBERNETES_SERVICE_PORT}`;
  const namespace = await content(join(directory, 'namespace'), 'namespace');
  return explicitSource(
    { server, tokenFile: join(directory, 'token'), caFile: join(directory, 'ca.crt') },
    namespace?.trim() ?? null,
  );
}

/** The address as a URL. Throws EndpointConfigurationError. */
export function serverUrl(server: string): URL {
  const url = URL.parse(server);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new EndpointConfigurationError(
      `"${server}" is not the address of an API server`,
      'Give a URL such as https://10.96.0.1:443.',
    );
  }
  return url;
}

async function content(file: string | undefined, what: string): Promise<string | null> {
  if (file === undefined) return null;
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new EndpointConfigurationError(
      `The ${what} for the Kubernetes API cannot be read: ${(cause as Error).message}`,
      `Check that ${file} is mounted and readable (in a pod: automountServiceAccountToken: true).`,
      { cause },
    );
  }
}
