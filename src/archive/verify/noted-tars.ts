import * as z from 'zod';

/** A tar as the sentinel of pgwarden notes it. */
export interface NotedTar {
  /** Of the stored bytes. */
  readonly size: number;
  /** Of the stored bytes, in hex. */
  readonly sha256: string;
}

const shape = z.object({
  pgwarden: z.object({ tars: z.record(z.string(), z.object({ size: z.int(), sha256: z.string() })) }),
});

/** The tars that a backup must have, by their names, as its sentinel notes them; null: another program made it. */
export function notedTars(userData: unknown): ReadonlyMap<string, NotedTar> | null {
  const parsed = shape.safeParse(userData);
  return parsed.success ? new Map(Object.entries(parsed.data.pgwarden.tars)) : null;
}
