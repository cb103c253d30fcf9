import { existsSync } from 'node:fs';
import { findBinaries, NoBinaries } from './binaries.ts';
import { type ClientConfiguration, fromKubeconfig } from './client-configuration.ts';
import { OwnApiServer } from './own-api-server.ts';

/** A real Kubernetes API server for tests. */
export interface RealApiServer extends AsyncDisposable {
  readonly configuration: ClientConfiguration;
  /** Where it comes from, for messages. */
  readonly source: string;
  /** Ends and starts the server's process, where it is ours; null for one that others use. */
  readonly restart: (() => Promise<void>) | null;
  /** Signals the server's process, where it is ours. */
  readonly signal: ((signal: NodeJS.Signals) => void) | null;
}

export type Obtained =
  | { readonly server: RealApiServer; readonly reason: null }
  /** There is none; `reason` is for `context.skip(reason)`. */
  | { readonly server: null; readonly reason: string };

/**
 * A real API server, from, in this order: the cluster of KUBECONFIG; etcd and kube-apiserver from KUBEBUILDER_ASSETS;
 * the same from KUBE_HOME/bin, built there first where they are missing and Go is there. The latter two are started on
 * free ports in a temporary directory, so that they meet no other cluster of this machine. Give the hook that calls
 * this 15 minutes: a first build takes a few.
 */
export async function obtainApiServer(): Promise<Obtained> {
  const kubeconfig = process.env.KUBECONFIG;
  if (kubeconfig !== undefined && kubeconfig !== '' && existsSync(kubeconfig)) {
    const configuration = await fromKubeconfig(kubeconfig);
    const nothing = async (): Promise<void> => {};
    const server = {
      configuration,
      source: 'KUBECONFIG',
      restart: null,
      signal: null,
      [Symbol.asyncDispose]: nothing,
    };
    return { server, reason: null };
  }
  try {
    const binaries = await findBinaries();
    const own = await OwnApiServer.start(binaries);
    return { server: await wrap(own, binaries.source), reason: null };
  } catch (error) {
    if (error instanceof NoBinaries) return { server: null, reason: error.message };
    throw error;
  }
}

async function wrap(own: OwnApiServer, source: string): Promise<RealApiServer> {
  return {
    configuration: await own.configuration(),
    source,
    restart: () => own.restart(),
    signal: (signal) => own.signal(signal),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}
