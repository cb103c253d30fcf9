import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { errnoOf } from '../postgres/errors.ts';
import { writeDurably } from '../postgres/volume/durable.ts';
import type { ArchiveIdentity } from './identity.ts';

const shape = z.object({
  url: z.string(),
  clusterUID: z.string(),
  generation: z.int(),
  systemIdentifier: z.string(),
});

/**
 * What this member remembers on its own volume: which archive was this cluster's when it last saw it. An archive that
 * then says nothing of itself was emptied, or is not the one that was meant.
 */
export class ClaimNote {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Whether this URL was this cluster's archive before. A note that cannot be read tells nothing. */
  async says(url: string, own: ArchiveIdentity): Promise<boolean> {
    const note = await this.#read();
    return (
      note !== null &&
      note.url === url &&
      note.clusterUID === own.clusterUID &&
      note.generation === own.generation &&
      note.systemIdentifier === own.systemIdentifier
    );
  }

  async write(url: string, own: ArchiveIdentity): Promise<void> {
    if (await this.says(url, own)) return;
    const { clusterUID, generation, systemIdentifier } = own;
    await writeDurably(this.path, `${JSON.stringify({ url, clusterUID, generation, systemIdentifier })}\n`);
  }

  async #read(): Promise<z.infer<typeof shape> | null> {
    try {
      return shape.safeParse(JSON.parse(await readFile(this.path, 'utf8'))).data ?? null;
    } catch (error) {
      if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return null;
      throw error;
    }
  }
}
