import { pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { type Layout, secretFile } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { apiUrl, type DemoMember } from './state.ts';

export const APPLICATION_DATABASE = 'app';
export const APPLICATION_USER = 'app';

/** The configuration of one member's agent, as YAML: what differs from the defaults. `archives`: to the demo's directory. */
export function memberConfig(
  layout: Layout,
  manifest: Manifest,
  member: DemoMember,
  archives: boolean,
): string {
  return stringify({
    cluster: {
      name: manifest.cluster,
      namespace: manifest.namespace,
      members: manifest.members.length,
      memberName: member.name,
    },
    volume: member.volume,
    socket: member.socket,
    postgres: {
      port: member.port,
      listenAddresses: manifest.host,
      socketDirectory: member.socketDirectory,
      superuser: { passwordFile: secretFile(layout, 'superuser') },
      replication: { passwordFile: secretFile(layout, 'replication') },
      application: {
        database: APPLICATION_DATABASE,
        owner: APPLICATION_USER,
        passwordFile: secretFile(layout, 'application'),
      },
    },
    advertise: { host: manifest.host },
    http: { listenHost: manifest.host, port: member.httpPort, tokenFile: layout.token },
    kubernetes: { server: apiUrl(manifest) },
    ...(archives ? { archive: { url: pathToFileURL(layout.archive).href } } : {}),
  });
}
