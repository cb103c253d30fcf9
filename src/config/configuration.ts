import type { Millis } from '../ha/units.ts';
import type { ParsedConfiguration } from './schema.ts';

type Given<T> = { [K in keyof T]: NonNullable<T[K]> };

/**
 * A whole, valid configuration: every default filled in, durations in milliseconds, sizes in bytes. Import this
 * type with `import type`: it costs nothing at run time.
 */
export interface Configuration extends Omit<ParsedConfiguration, 'cluster' | 'advertise' | 'http' | 'ha'> {
  /** With namespace, memberName and podUID found out. */
  readonly cluster: Given<ParsedConfiguration['cluster']>;
  readonly advertise: Given<ParsedConfiguration['advertise']>;
  readonly http: ParsedConfiguration['http'] & { advertisedPort: number };
  readonly ha: ParsedConfiguration['ha'] & { renewInterval: Millis };
}

/** Where a setting's value came from. */
export interface Source {
  readonly kind: 'default' | 'file' | 'environment' | 'flag';
  /** E.g. `/etc/pgwarden/pgwarden.yaml line 12`, `PGWARDEN_HTTP_PORT`, `--set http.port`. */
  readonly detail: string;
}

/** Sources by the path of the setting (`ha.leaseDuration`, `postgres.parameters.work_mem`); absent: the default. */
export type Sources = ReadonlyMap<string, Source>;
