import type { CountedDatabase } from './result.ts';
import type { ScratchServer } from './scratch-server.ts';

/** Tables and what materialized views hold; of a partitioned table, its partitions. */
const TABLES = `
  select n.nspname as schema, c.relname as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'
    and (c.relkind = 'r' or c.relispopulated)
  order by 1, 2`;

/** Every database that lets sessions in. */
export async function databasesOf(server: ScratchServer, signal: AbortSignal): Promise<string[]> {
  return await server.session(
    'postgres',
    async (client) => {
      const { rows } = await client.query<{ datname: string }>(
        'select datname from pg_database where datallowconn order by 1',
      );
      return rows.map(({ datname }) => datname);
    },
    signal,
  );
}

/** Counts every row of a database, which reads every page of its tables. */
export async function countRows(
  server: ScratchServer,
  database: string,
  signal: AbortSignal,
): Promise<CountedDatabase> {
  return await server.session(
    database,
    async (client) => {
      const tables = await client.query<{ schema: string; name: string }>(TABLES);
      let count = 0;
      for (const { schema, name } of tables.rows) {
        signal.throwIfAborted();
        const table = `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(name)}`;
        const { rows } = await client.query<{ count: string }>(`select count(*) from only ${table}`);
        count += Number(rows[0]?.count ?? 0);
      }
      return { database, tables: tables.rows.length, rows: count };
    },
    signal,
  );
}
