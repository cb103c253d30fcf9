import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import {
  type EndpointSource,
  type ExplicitEndpoint,
  explicitSource,
  inClusterSource,
  isInCluster,
} from './endpoint-source.ts';

/** What a person may say about where the API is. */
export interface EndpointWish {
  readonly explicit?: ExplicitEndpoint | null;
  readonly kubeconfig?: string | null;
  /** A context of the kubeconfig; null: its current one. */
  readonly context?: string | null;
}

/**
 * The first that there is of: an explicit address, an explicit kubeconfig, `KUBECONFIG` (its first file), the
 * pod's service account, `~/.kube/config`. The same order as client-go's loader, so that kubectl agrees.
 */
export async function findEndpoint(
  wish: EndpointWish,
  environment: NodeJS.ProcessEnv,
): Promise<EndpointSource> {
  if (wish.explicit) return explicitSource(wish.explicit);
  const named = wish.kubeconfig ?? environment.KUBECONFIG?.split(delimiter).find((file) => file !== '');
  if (named === undefined && isInCluster(environment)) return await inClusterSource(environment);
  // Heavy, and needed outside of pods only.
  const { kubeconfigSource } = await import('./kubeconfig.ts');
  return await kubeconfigSource(named ?? join(homedir(), '.kube', 'config'), wish.context ?? null);
}
