import { type Command, Option } from 'commander';
import { ClusterClient } from './client/cluster-client.ts';
import { findAgents, type Whereabouts } from './client/find.ts';

const collect = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

/** Adds the options that say where the agent is. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option('--socket <path>', "the agent's Unix socket (or PGWARDEN_SOCKET)")
    .option('--url <url>', "the agent's URL; again for further agents (or PGWARDEN_URL)", collect)
    .option('--token-file <path>', 'file with the bearer token that changing calls need over --url')
    .addOption(new Option('--token <token>', 'the token itself (better: PGWARDEN_TOKEN or --token-file)'))
    .option('--ca-file <path>', "authority of the agent's certificate, PEM")
    .option('--dir <dir>', 'directory of a demo cluster: any of its members is asked');
}

/** The client that the parsed options of a command ask for. */
export async function connect(options: Whereabouts): Promise<ClusterClient> {
  return new ClusterClient(await findAgents(options, process.env));
}
