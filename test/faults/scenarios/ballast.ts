import type { World } from './scenario.ts';

/** Fills the database with so many megabytes that neither compress nor matter. */
export async function ballast({ stage }: World, megabytes: number): Promise<void> {
  await stage.member(await stage.primary()).sql(
    `CREATE TABLE IF NOT EXISTS ballast (text text);
     INSERT INTO ballast SELECT string_agg(md5(random()::text), '') FROM generate_series(1, ${megabytes * 1024}) AS row,
       LATERAL (SELECT generate_series(1, 32) WHERE row > 0) AS part GROUP BY row`,
    60_000,
  );
}
