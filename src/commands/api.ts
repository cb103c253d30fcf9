import type { Command } from 'commander';
import { wholeBetween } from './demo-options.ts';

interface Options {
  readonly directory: string;
  readonly listen: string;
  readonly port: number;
  readonly tokenFile: string;
  readonly namespace: string;
  readonly pods: string;
}

/** `pgwarden api`: the embedded API for members of a network without Kubernetes. */
export function registerApi(program: Command): void {
  program
    .command('api')
    .summary('serve a small Kubernetes-compatible API, for Docker Compose')
    .description(
      'Serves the part of the Kubernetes API that the agents need, until SIGTERM: Leases, Pods, Events and their like, kept in a directory. For places without Kubernetes; agents reach it by kubernetes.server and kubernetes.tokenFile.',
    )
    .requiredOption('--directory <dir>', 'where it keeps its objects')
    .requiredOption('--token-file <path>', 'file with the bearer token that clients must send')
    .option('--listen <address>', 'the address to listen on', '0.0.0.0')
    .option('--port <port>', 'the port to listen on', wholeBetween(1, 65535), 6443)
    .option('-n, --namespace <namespace>', 'namespace of the pods', 'default')
    .option('--pods <names>', 'pods that are made where they are missing, between commas', '')
    .addHelpText(
      'after',
      '\nExample:\n  $ pgwarden api --directory /var/lib/api --token-file /secrets/token --pods pg-0,pg-1,pg-2',
    )
    .action(async (options: Options) => {
      const { runNetworkApi } = await import('../demo/run-network-api.ts');
      const { listen, pods, ...rest } = options;
      await runNetworkApi({ ...rest, host: listen, pods: pods.split(',').filter((name) => name !== '') });
    });
}
