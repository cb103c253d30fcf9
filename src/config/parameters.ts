import { OWNED_PARAMETERS, OWNED_PREFIXES } from './owned-parameters.ts';

/** What the rules of a parameter depend on. */
export interface ParameterContext {
  /** How many members are expected. */
  readonly members: number;
  readonly durability: 'required' | 'preferred';
  readonly acks: 'auto' | number;
}

/** A parameter of `postgres.parameters` that is refused. */
export interface ParameterFinding {
  readonly path: string;
  readonly message: string;
}

/** Postgres's own defaults of both (guc_tables.c). */
const SENDERS_BY_DEFAULT = 10;
const SLOTS_BY_DEFAULT = 10;

/** At most: every standby streams, one clones (two connections), one is rewound, and a person looks. */
export function minimumWalSenders(members: number): number {
  return members - 1 + 4;
}

/** At most: every other member has a slot, and a clone has one of its own while it is made. */
export function minimumReplicationSlots(members: number): number {
  return members - 1 + 2;
}

/** `max_wal_senders` and `max_replication_slots` where the configuration says nothing. */
export function defaultSendersAndSlots(members: number): {
  readonly max_wal_senders: number;
  readonly max_replication_slots: number;
} {
  return {
    max_wal_senders: Math.max(SENDERS_BY_DEFAULT, minimumWalSenders(members)),
    max_replication_slots: Math.max(SLOTS_BY_DEFAULT, minimumReplicationSlots(members)),
  };
}

/**
 * What is refused in `postgres.parameters`, without asking a server: what the protocol owns, and values that
 * break its promises. Whether a parameter exists is checked against the server's own `pg_settings`.
 */
export function parameterFindings(
  parameters: Readonly<Record<string, string>>,
  context: ParameterContext,
): ParameterFinding[] {
  const found: ParameterFinding[] = [];
  const seen = new Map<string, string>();
  for (const [given, value] of Object.entries(parameters)) {
    const name = given.toLowerCase();
    const path = `postgres.parameters.${given}`;
    const twin = seen.get(name);
    seen.set(name, given);
    const message =
      twin === undefined
        ? (ownedReason(name) ?? refusedValue(name, value, context))
        : `given twice, also as ${twin}: Postgres takes no notice of capitals`;
    if (message !== null) found.push({ path, message });
  }
  return found;
}

/** Why a parameter is not for the configuration to set; null where it is. The name is in lower case. */
export function ownedReason(name: string): string | null {
  const reason = Object.hasOwn(OWNED_PARAMETERS, name)
    ? OWNED_PARAMETERS[name]
    : OWNED_PREFIXES.find(([prefix]) => name.startsWith(prefix))?.[1];
  return reason === undefined ? null : `refused: ${reason}`;
}

function refusedValue(name: string, value: string, context: ParameterContext): string | null {
  switch (name) {
    case 'wal_level':
      return ['replica', 'logical'].includes(value.toLowerCase())
        ? null
        : `given ${JSON.stringify(value)}; allowed: replica or logical: standbys need it`;
    case 'synchronous_commit':
      return refusedSynchronousCommit(value, context);
    case 'fsync':
    case 'full_page_writes':
      return isOn(value)
        ? null
        : `given ${JSON.stringify(value)}; allowed: on: without it a crash loses data`;
    case 'max_wal_senders':
      return atLeast(value, minimumWalSenders(context.members), 'every standby, a clone and a rewind');
    case 'max_replication_slots':
      return atLeast(value, minimumReplicationSlots(context.members), 'every other member and a clone');
    default:
      return null;
  }
}

/** `remote_write` survives no crash of the operating system; `local` and `off` wait for no standby. */
function refusedSynchronousCommit(value: string, { durability, acks }: ParameterContext): string | null {
  if (durability !== 'required' || acks === 0) return null;
  if (value.toLowerCase() === 'remote_apply' || isOn(value)) return null;
  return `given ${JSON.stringify(value)}; allowed under ha.durability: required: on or remote_apply (a single role or transaction may choose less for itself)`;
}

function atLeast(value: string, least: number, why: string): string | null {
  return /^\d+$/.test(value) && Number(value) >= least
    ? null
    : `given ${JSON.stringify(value)}; allowed: a whole number of at least ${least}: ${why}`;
}

/** As Postgres reads a boolean: any unambiguous beginning of true, yes, on, or 1 (parse_bool_with_len). */
function isOn(value: string): boolean {
  const text = value.toLowerCase();
  return (
    text === 'on' || text === '1' || (text !== '' && ('true'.startsWith(text) || 'yes'.startsWith(text)))
  );
}
