import { stat } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { type EndpointSource, type Material, serverUrl } from './endpoint-source.ts';
import { EndpointConfigurationError } from './errors.ts';

/**
 * A source for a kubeconfig file's context (the current one by default): certificates, tokens, token files and
 * exec plugins. Imports @kubernetes/client-node, which costs about 0.3 s and 80 MB: pods never come here.
 */
export async function kubeconfigSource(file: string, context: string | null = null): Promise<EndpointSource> {
  let loaded = await parse(file, context);
  return {
    server: loaded.server,
    namespace: loaded.namespace,
    async load() {
      // The parsed configuration is kept while the file stays: it caches what exec plugins answered.
      if ((await modified(file)) !== loaded.modified) loaded = await parse(file, context);
      return materialOf(loaded.config, file);
    },
  };
}

interface Parsed {
  readonly config: KubeConfig;
  readonly server: URL;
  readonly namespace: string | null;
  readonly modified: number;
}

async function parse(file: string, context: string | null): Promise<Parsed> {
  const time = await modified(file);
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (cause) {
    throw unusable(file, (cause as Error).message, { cause });
  }
  if (context !== null) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  const current = config.getContextObject(config.getCurrentContext());
  if (cluster === null || current === null) {
    throw unusable(file, `it has no context "${config.getCurrentContext()}" with a cluster`);
  }
  if (cluster.proxyUrl) throw unusable(file, 'a proxy-url is not supported');
  return {
    config,
    server: serverUrl(cluster.server),
    namespace: current.namespace ?? null,
    modified: time,
  };
}

async function materialOf(config: KubeConfig, file: string): Promise<Material> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw unusable(file, (cause as Error).message, { cause });
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === 'string') headers[name] = value;
  }
  return {
    headers,
    tls: {
      ca: pem(options.ca),
      cert: pem(options.cert),
      key: pem(options.key),
      servername: options.servername ?? null,
      rejectUnauthorized: options.rejectUnauthorized ?? true,
    },
  };
}

function pem(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : null;
}

async function modified(file: string): Promise<number> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (cause) {
    throw unusable(file, (cause as Error).message, { cause });
  }
}

function unusable(file: string, problem: string, options?: ErrorOptions): EndpointConfigurationError {
  return new EndpointConfigurationError(
    `The kubeconfig ${file} cannot be used: ${problem}`,
    'Check it with: kubectl --kubeconfig FILE version.',
    options,
  );
}
