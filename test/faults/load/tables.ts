/** Registers of a run; few, so that clients meet on them. */
export const KEYS = 6;
/** What every register holds before the load begins. */
export const INITIAL = 0;
const CLIENTS = 16;

/** The statements on one run's tables. */
export interface Tables {
  readonly create: string;
  readonly drop: string;
  /** One unique row; no constraint, so that one that is there twice can be seen. Tells the WAL segment. */
  readonly insert: string;
  /**
   * The same, and the counter of a source takes the row's id: unless it is past it, since a statement whose client gave
   * up may take effect late.
   */
  readonly insertAndBeat: string;
  readonly plainRead: string;
  /** Every row's id. */
  readonly ids: string;
  readonly finalRegisters: string;
  write(key: number, value: number): string;
  /** Its answer is the second of its results. */
  readCommitting(key: number, client: number): string;
}

export function tablesOf(run: number): Tables {
  const rows = `rows_${run}`;
  const registers = `registers_${run}`;
  const touched = `touched_${run}`;
  const beats = `beats_${run}`;
  // The name of the WAL segment begins with the timeline: the history that acknowledges.
  const insert = `INSERT INTO ${rows} VALUES ($1) RETURNING pg_walfile_name(pg_current_wal_insert_lsn()) AS wal`;
  return {
    create: `
      CREATE TABLE ${rows} (id bigint NOT NULL);
      CREATE TABLE ${registers} (key int PRIMARY KEY, value bigint NOT NULL);
      INSERT INTO ${registers} SELECT key, ${INITIAL} FROM generate_series(1, ${KEYS}) AS key;
      CREATE TABLE ${touched} (client int PRIMARY KEY, times bigint NOT NULL);
      INSERT INTO ${touched} SELECT client, 0 FROM generate_series(0, ${CLIENTS - 1}) AS client;
      CREATE TABLE ${beats} (source text PRIMARY KEY, count bigint NOT NULL)`,
    drop: `
      DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE tableowner = current_user
          AND tablename ~ '^(rows|registers|touched|beats)_[0-9]+$'
        LOOP EXECUTE format('DROP TABLE %I', name); END LOOP;
      END $$`,
    insert,
    insertAndBeat: `
      WITH beat AS (
        INSERT INTO ${beats} AS beat VALUES ($2, $1)
        ON CONFLICT (source) DO UPDATE SET count = greatest(beat.count, excluded.count))
      ${insert}`,
    plainRead: `
      SELECT coalesce(json_object_agg(source, count), '{}') AS counts, pg_is_in_recovery() AS standby
      FROM ${beats}`,
    ids: `SELECT id FROM ${rows}`,
    finalRegisters: `SELECT key, value FROM ${registers}`,
    write: (key, value) => `UPDATE ${registers} SET value = ${value} WHERE key = ${key}`,
    readCommitting: (key, client) =>
      `BEGIN; SELECT value FROM ${registers} WHERE key = ${key}; ` +
      `UPDATE ${touched} SET times = times + 1 WHERE client = ${client}; COMMIT`,
  };
}
