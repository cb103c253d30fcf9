import type { Source } from './configuration.ts';
import type { Problem } from './errors.ts';
import { type Layer, recordSource } from './layer.ts';
import { nearest } from './nearest.ts';
import { allSettings } from './settings.ts';
import { put, type Tree } from './tree.ts';
import { readWritten } from './written-value.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'PGWARDEN_';

/** Variables of this prefix that are no settings: read by the commands, by the demo or by tests. */
const OTHERS = new Set(['CONFIG', 'URL', 'TOKEN', 'DIR'].map((name) => PREFIX + name));
const OTHER_PREFIXES = ['PGWARDEN_TEST_', 'PGWARDEN_DEMO_', 'PGWARDEN_BENCH_'];

/**
 * What Kubernetes puts into every container for a Service named `pgwarden` or `pgwarden-…` (service links): no
 * setting, not even where a name is the same (`PGWARDEN_POSTGRES_PORT=tcp://10.0.0.1:5432`).
 */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//;

/** What the environment says: `PGWARDEN_` and the path of a setting in capitals. */
export function environmentLayer(environment: Environment): Layer {
  const tree: Tree = {};
  const sources = new Map<string, Source>();
  const problems: Problem[] = [];
  const byVariable = new Map(allSettings().map((setting) => [setting.variable, setting]));

  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || value === undefined || OTHERS.has(name)) continue;
    if (OTHER_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    if (SERVICE_LINK_VALUE.test(value)) continue;
    const setting = byVariable.get(name);
    if (setting !== undefined) {
      const read = readWritten(setting, value);
      put(tree, setting.keys, read);
      recordSource(sources, setting.path, read, { kind: 'environment', detail: name });
    } else if (!SERVICE_LINK.test(name)) {
      const near = nearest(
        name.slice(PREFIX.length),
        [...byVariable.keys()].map((key) => key.slice(PREFIX.length)),
      );
      const meant = near === null ? '' : `; did you mean ${PREFIX}${near}?`;
      problems.push({ path: '', message: `no setting has this name${meant}`, source: `environment ${name}` });
    }
  }
  return { tree, sources, problems };
}
