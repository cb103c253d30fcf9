import { parseArgs } from 'node:util';
import { ROWS, type RowId } from './rows.ts';

export interface FailoverOptions {
  readonly runs: number;
  readonly only: ReadonlySet<RowId>;
  readonly connections: number;
  readonly peer: 'patroni' | null;
  readonly peerRuns: number;
  /** The demo's members archive. */
  readonly archives: boolean;
  readonly json: boolean;
}

const HELP = `Usage: npm run bench:failover -- [options]

The longest time without an acknowledged commit, for each kind of fault.

  --runs N          faults of each kind (default 20)
  --only A,B        of: ${ROWS.map(({ id }) => id).join(', ')}
  --connections N   connections that write (default 20)
  --peer patroni    also Debian's patroni with etcd, where the fault makes sense there
  --peer-runs N     faults of each kind there, each of which takes a minute (default: as --runs)
  --archive         with an archive, in a directory
  -o, --output json one JSON object on stdout instead of the table
`;

/** Options of bench:failover; null: only the help was asked for. Throws TypeError for what is no option. */
export function failoverOptions(argv: readonly string[]): FailoverOptions | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runs: { type: 'string', default: '20' },
      only: { type: 'string' },
      connections: { type: 'string', default: '20' },
      peer: { type: 'string' },
      'peer-runs': { type: 'string' },
      archive: { type: 'boolean', default: false },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return null;
  }
  if (values.peer !== undefined && values.peer !== 'patroni')
    throw new TypeError(`--peer: no ${values.peer}`);
  return {
    runs: positive('--runs', values.runs),
    only: new Set(values.only === undefined ? ROWS.map(({ id }) => id) : values.only.split(',').map(rowId)),
    connections: positive('--connections', values.connections),
    peer: values.peer === 'patroni' ? 'patroni' : null,
    peerRuns: positive('--peer-runs', values['peer-runs'] ?? values.runs),
    archives: values.archive,
    json: isJson(values.output),
  };
}

export function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw new TypeError(`${name}: ${text} is no positive number`);
  return number;
}

export function isJson(output: string): boolean {
  if (output !== 'json' && output !== 'table') throw new TypeError(`--output: json or table, not ${output}`);
  return output === 'json';
}

function rowId(text: string): RowId {
  const row = ROWS.find(({ id }) => id === text);
  if (row === undefined)
    throw new TypeError(`--only: no ${text}; there are ${ROWS.map(({ id }) => id).join(', ')}`);
  return row.id;
}
