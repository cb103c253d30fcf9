import { readFile, rename, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { BrokenManifestError, NoDemoError, OtherVersionError } from './errors.ts';
import type { Layout } from './layout.ts';

/** One up whenever the layout of the directory changes so that an older or newer program could not use it. */
export const LAYOUT_FORMAT = 1;

const port = z.int().min(1).max(65535);

const schema = z.object({
  format: z.literal(LAYOUT_FORMAT),
  /** The program that made it. */
  version: z.string(),
  /** `creating` until everything is in place. */
  stage: z.enum(['creating', 'created']),
  createdAt: z.string(),
  cluster: z.string(),
  namespace: z.string(),
  host: z.string(),
  apiPort: port,
  members: z
    .array(z.object({ name: z.string(), port, httpPort: port }))
    .min(1)
    .max(9),
});

/** What `demo.json` says. It holds no secret. */
export type Manifest = z.output<typeof schema>;

/** Throws NoDemoError, BrokenManifestError or OtherVersionError. */
export async function readManifest(layout: Layout): Promise<Manifest> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(layout.manifest, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new NoDemoError(layout.dir);
    throw new BrokenManifestError(layout.manifest, (error as Error).message, error);
  }
  const head = z.object({ format: z.unknown(), version: z.unknown() }).safeParse(content);
  if (head.success && head.data.format !== undefined && head.data.format !== LAYOUT_FORMAT) {
    throw new OtherVersionError(layout.dir, head.data.format, head.data.version);
  }
  const parsed = schema.safeParse(content);
  if (!parsed.success) throw new BrokenManifestError(layout.manifest, z.prettifyError(parsed.error));
  return parsed.data;
}

/** Writes it whole or not at all. */
export async function writeManifest(layout: Layout, manifest: Manifest): Promise<void> {
  const next = `${layout.manifest}.new`;
  await writeFile(next, `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
  await rename(next, layout.manifest);
}
