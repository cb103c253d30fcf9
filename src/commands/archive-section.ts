import * as z from 'zod';
import { archiveFindings } from '../config/archive-findings.ts';
import type { Configuration } from '../config/configuration.ts';
import { environmentLayer } from '../config/environment.ts';
import { ConfigurationError } from '../config/errors.ts';
import { readLayerFile } from '../config/file.ts';
import { flagsLayer } from '../config/flags.ts';
import { mergeSources } from '../config/layer.ts';
import { problemsOf } from '../config/problems.ts';
import { archive } from '../config/sections/archive.ts';
import { merge, type Tree } from '../config/tree.ts';

export interface SettingsOrigins {
  /** A YAML file; null: PGWARDEN_CONFIG, or none. */
  readonly file: string | null;
  /** `archive.s3.endpoint=…` each. */
  readonly flags: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * The `archive` section alone: who restores a bucket has no cluster to configure. Read like the whole, from a file, the
 * environment and flags.
 *
 * @throws ConfigurationError, ConfigurationFileError
 */
export async function readArchiveSection(origins: SettingsOrigins): Promise<Configuration['archive']> {
  const { flags, environment } = origins;
  const file = origins.file ?? (environment.PGWARDEN_CONFIG || null);
  const layers = [
    ...(file === null ? [] : [await readLayerFile(file)]),
    environmentLayer(environment),
    flagsLayer(flags),
  ];
  const sources = mergeSources(layers);
  const ours = (path: string): boolean => path === 'archive' || path.startsWith('archive.');
  const problems = layers.flatMap((layer) => layer.problems).filter(({ path }) => ours(path));
  const whole = layers.reduce((under: Tree, layer) => merge(under, layer.tree), {});
  const tree = whole.archive === undefined ? {} : { archive: whole.archive };
  const parsed = z.object({ archive }).safeParse(tree);
  if (!parsed.success)
    throw new ConfigurationError([...problems, ...problemsOf(parsed.error.issues, tree, sources)]);
  const section: Configuration['archive'] = parsed.data.archive;
  const found = archiveFindings({ archive: section } as Configuration);
  problems.push(...found.map((finding) => ({ ...finding, source: null })));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return section;
}
