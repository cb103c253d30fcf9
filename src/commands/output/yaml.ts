import { stringify } from 'yaml';

/**
 * Data as YAML, without the last line feed. A module of its own, loaded when it is asked for: in the bundle a package
 * in CommonJS that is itself imported dynamically has only a default export.
 */
export function toYaml(data: unknown): string {
  return stringify(data).trimEnd();
}
