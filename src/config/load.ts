import type { Configuration, Sources } from './configuration.ts';
import { type Environment, environmentLayer } from './environment.ts';
import { ConfigurationError, type Problem } from './errors.ts';
import { readLayerFile } from './file.ts';
import { flagsLayer } from './flags.ts';
import { type Layer, mergeSources } from './layer.ts';
import { problemsOf, sourceOf } from './problems.ts';
import { resolve, surroundings } from './resolve.ts';
import { crossFindings, warnings as warningsOf } from './rules.ts';
import { schema } from './schema.ts';
import { merge, type Tree } from './tree.ts';

/** Where a configuration comes from, in order of growing precedence. */
export interface Origins {
  /** A YAML file; where it is not given, PGWARDEN_CONFIG names it; null: none. */
  readonly file?: string | null;
  /** By default the environment of the process. */
  readonly environment?: Environment;
  /** `path=value` each. */
  readonly flags?: readonly string[];
}

export interface Loaded {
  readonly configuration: Configuration;
  readonly sources: Sources;
  /** Allowed, but to be told to a person. */
  readonly warnings: readonly Problem[];
  /** The file that was read; null: none. */
  readonly file: string | null;
}

/**
 * Reads, merges and checks the whole configuration.
 * @throws ConfigurationError with every problem at once; nothing may start then.
 * @throws ConfigurationFileError where the file cannot be read.
 */
export async function loadConfiguration(origins: Origins = {}): Promise<Loaded> {
  const environment = origins.environment ?? process.env;
  const file = origins.file ?? (environment.PGWARDEN_CONFIG || null);
  const layers: Layer[] = [
    ...(file === null ? [] : [await readLayerFile(file)]),
    environmentLayer(environment),
    flagsLayer(origins.flags ?? []),
  ];
  const problems = layers.flatMap((layer) => layer.problems);
  const tree = layers.reduce((under: Tree, layer) => merge(under, layer.tree), {});
  const sources = mergeSources(layers);

  const parsed = schema.safeParse(tree);
  if (!parsed.success) {
    throw new ConfigurationError([...problems, ...problemsOf(parsed.error.issues, tree, sources)]);
  }
  const configuration = resolve(parsed.data, surroundings(environment));
  problems.push(...crossFindings(configuration).map((finding) => withSource(finding, sources)));
  if (problems.length > 0) throw new ConfigurationError(problems);

  return {
    configuration,
    sources,
    warnings: warningsOf(configuration).map((finding) => withSource(finding, sources)),
    file,
  };
}

function withSource(finding: Omit<Problem, 'source'>, sources: Sources): Problem {
  return { ...finding, source: sourceOf(finding.path.split('.'), sources) };
}
