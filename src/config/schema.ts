import * as z from 'zod';
import { text } from './leaves.ts';
import { absolutePath, socketPath } from './patterns.ts';
import { archive } from './sections/archive.ts';
import { backup } from './sections/backup.ts';
import { bootstrap } from './sections/bootstrap.ts';
import { cluster } from './sections/cluster.ts';
import { drill } from './sections/drill.ts';
import { ha } from './sections/ha.ts';
import { log, shutdown, slots, tags } from './sections/member.ts';
import { metrics } from './sections/metrics.ts';
import { advertise, http, kubernetes } from './sections/network.ts';
import { postgres } from './sections/postgres.ts';
import { retention } from './sections/retention.ts';

/**
 * Every setting of pgwarden: the one source of defaults, validation, the reference page and the JSON Schema.
 * What depends on the machine or on several settings is added by `resolve` and checked by `rules`.
 */
export const schema = z
  .strictObject({
    cluster,
    volume: text('/var/lib/pgwarden', absolutePath, {
      description:
        "The directory of this member's volume. PGDATA is `data` in it; what must outlive a clone or rewind lies beside that.",
      effect: 'needs a restart of the agent',
    }),
    socket: text('/run/pgwarden/agent.sock', socketPath, {
      description: "The agent's Unix socket (mode 0600), over which the commands talk to it.",
      effect: 'needs a restart of the agent',
    }),
    postgres,
    advertise,
    http,
    kubernetes,
    ha,
    tags,
    slots,
    archive,
    backup,
    retention,
    drill,
    bootstrap,
    metrics,
    shutdown,
    log,
  })
  .meta({ title: 'pgwarden', description: 'Configuration of the pgwarden agent.' });

export type ParsedConfiguration = z.output<typeof schema>;
