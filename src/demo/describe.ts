import { readFile } from 'node:fs/promises';
import { secretFile } from './layout.ts';
import { APPLICATION_DATABASE, APPLICATION_USER } from './member-config.ts';
import { agentProcess, postmasterProcess } from './member-processes.ts';
import { observe } from './observe.ts';
import { apiUrl, type Demo } from './state.ts';
import { connectionUrl } from './url.ts';

/** What `demo --detach -o json` and `demo status -o json` print. */
export interface DemoDescription {
  readonly dir: string;
  /** URL of the embedded API. */
  readonly api: string;
  /** For libpq and its kin; with the password. */
  readonly url: string;
  readonly members: readonly {
    readonly name: string;
    readonly host: string;
    readonly port: number;
    /** URL of the agent. */
    readonly http: string;
    readonly dataDirectory: string;
    /** Null while it does not run. */
    readonly agentPid: number | null;
    readonly postgresPid: number | null;
    /** `unknown` where the agent does not answer. */
    readonly role: 'primary' | 'standby' | 'none' | 'unknown';
  }[];
}

/** The URL for applications, with the generated password. */
export async function applicationUrl({ layout, manifest }: Demo): Promise<string> {
  return connectionUrl({
    user: APPLICATION_USER,
    password: (await readFile(secretFile(layout, 'application'), 'utf8')).trim(),
    database: APPLICATION_DATABASE,
    hosts: manifest.members.map(({ port }) => ({ host: manifest.host, port })),
  });
}

/** The demo as it is now, running or not. */
export async function describeDemo(demo: Demo, signal?: AbortSignal): Promise<DemoDescription> {
  const { layout, manifest } = demo;
  const observations = await observe(demo, signal);
  return {
    dir: layout.dir,
    api: apiUrl(manifest),
    url: await applicationUrl(demo),
    members: observations.map(({ member, status }) => ({
      name: member.name,
      host: manifest.host,
      port: member.port,
      http: `http://${manifest.host}:${member.httpPort}`,
      dataDirectory: member.dataDirectory,
      agentPid: agentProcess(demo, member)?.pid ?? null,
      postgresPid: postmasterProcess(member)?.pid ?? null,
      role: status?.role ?? 'unknown',
    })),
  };
}
