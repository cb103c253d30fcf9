import * as z from 'zod';
import { type Lsn, lsnAt, lsnBytes } from '../../ha/lsn.ts';
import { type ExactJson, parseExactJson, writeExactJson } from './exact-json.ts';

/** A tablespace of a backup, as WAL-G tells it. */
export interface SentinelTablespace {
  readonly oid: string;
  /** Where it was on the machine that was backed up. */
  readonly location: string;
  /** Below PGDATA: `pg_tblspc/16400`. */
  readonly link: string;
}

/** WAL-G's `TablespaceSpec`. */
export interface SentinelSpec {
  /** PGDATA of the machine that was backed up. */
  readonly basePrefix: string;
  readonly tablespaces: readonly SentinelTablespace[];
}

/**
 * WAL-G's `BackupSentinelDtoV2` (its internal/databases/postgres/backup_sentinel_dto.go), by its own names. What a
 * version before 2 does not tell is null.
 */
export interface Sentinel {
  readonly LSN: Lsn;
  /** Since WAL-G 3.0.8; before, the backup's name tells it. */
  readonly Timeline: number | null;
  readonly DeltaLSN: Lsn | null;
  /** The backup that this one is an increment of. */
  readonly DeltaFrom: string | null;
  readonly DeltaFullName: string | null;
  readonly DeltaCount: number | null;
  /** As `server_version_num`. */
  readonly PgVersion: number;
  readonly FinishLSN: Lsn | null;
  /** All 64 bits, as decimal text. */
  readonly SystemIdentifier: string | null;
  readonly UncompressedSize: number;
  readonly CompressedSize: number;
  readonly DataCatalogSize: number;
  readonly Spec: SentinelSpec | null;
  readonly UserData?: unknown;
  readonly FilesMetadataDisabled: boolean;
  readonly Version: number | null;
  readonly StartTime: Date | null;
  readonly FinishTime: Date | null;
  readonly Hostname: string;
  readonly DataDir: string;
  readonly IsPermanent: boolean;
}

/** WAL-G's `ExtendedMetadataDto`: `metadata.json`, the same in brief. */
export interface SentinelMetadata {
  readonly start_time: Date;
  readonly finish_time: Date;
  readonly hostname: string;
  readonly data_dir: string;
  readonly pg_version: number;
  readonly start_lsn: Lsn;
  readonly finish_lsn: Lsn;
  readonly is_permanent: boolean;
  readonly system_identifier: string | null;
  readonly timeline: number | null;
  readonly uncompressed_size: number;
  readonly compressed_size: number;
  readonly user_data?: unknown;
}

/** What WAL-G says of its times (its `MetadataDatetimeFormat`). */
const DATE_FORMAT = '%Y-%m-%dT%H:%M:%S.%fZ';

const lsn = z.int().min(0).transform(lsnAt);
const count = z.number().min(0).catch(0);
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const identifier = z
  .union([z.bigint(), z.int()])
  .nullish()
  .transform((value) => (value === null || value === undefined ? null : value.toString()));
/** Go writes nanoseconds; a time that was never set is the year 1. */
const time = z.string().transform((value, context) => {
  const at = new Date(value);
  if (!Number.isNaN(at.getTime())) return at;
  context.addIssue('no time of day as RFC 3339 has it');
  return z.NEVER;
});
const orNull = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? null);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

const spec = z
  .looseObject({ base_prefix: text, tablespaces: z.array(z.string()).nullish() })
  .transform((value, context): SentinelSpec => {
    const tablespaces = (value.tablespaces ?? []).map((oid): SentinelTablespace => {
      const found = z.object({ loc: z.string(), link: text }).safeParse(value[oid]);
      if (!found.success) {
        context.addIssue(`the tablespace ${oid} has no location`);
        return z.NEVER;
      }
      return { oid, location: found.data.loc, link: found.data.link };
    });
    return { basePrefix: value.base_prefix, tablespaces };
  });

const sentinel = z.object({
  LSN: lsn,
  Timeline: orNull(z.int().min(1)),
  DeltaLSN: orNull(lsn),
  DeltaFrom: orNull(z.string()),
  DeltaFullName: orNull(z.string()),
  DeltaCount: orNull(z.int()),
  PgVersion: z.int().catch(0),
  FinishLSN: orNull(lsn),
  SystemIdentifier: identifier,
  UncompressedSize: count,
  CompressedSize: count,
  DataCatalogSize: count,
  Spec: orNull(spec),
  UserData: z.unknown().optional(),
  FilesMetadataDisabled: flag,
  Version: orNull(z.int()),
  StartTime: orNull(time),
  FinishTime: orNull(time),
  Hostname: text,
  DataDir: text,
  IsPermanent: flag,
});

const metadata = z.object({
  start_time: time,
  finish_time: time,
  hostname: text,
  data_dir: text,
  pg_version: z.int().catch(0),
  start_lsn: lsn,
  finish_lsn: lsn,
  is_permanent: flag,
  system_identifier: identifier,
  timeline: orNull(z.int().min(1)),
  uncompressed_size: count,
  compressed_size: count,
  user_data: z.unknown().optional(),
});

/** Reads a sentinel. Tolerant: only what no restore can do without must be there. @throws SyntaxError, z.ZodError */
export function parseSentinel(json: string): Sentinel {
  return sentinel.parse(parseExactJson(json));
}

/** Reads a `metadata.json`. @throws SyntaxError, z.ZodError */
export function parseMetadata(json: string): SentinelMetadata {
  return metadata.parse(parseExactJson(json));
}

/** A sentinel as WAL-G reads it. */
export function writeSentinel(from: Sentinel): string {
  const increment =
    from.DeltaFrom === null
      ? {}
      : {
          DeltaLSN: numberOf(from.DeltaLSN),
          DeltaFrom: from.DeltaFrom,
          DeltaFullName: from.DeltaFullName,
          DeltaCount: from.DeltaCount,
        };
  return writeExactJson({
    LSN: numberOf(from.LSN),
    Timeline: from.Timeline,
    ...increment,
    PgVersion: from.PgVersion,
    FinishLSN: numberOf(from.FinishLSN),
    SystemIdentifier: from.SystemIdentifier === null ? undefined : BigInt(from.SystemIdentifier),
    UncompressedSize: from.UncompressedSize,
    CompressedSize: from.CompressedSize,
    DataCatalogSize: from.DataCatalogSize,
    Spec: from.Spec === null ? null : specAsJson(from.Spec),
    ...(from.UserData === undefined ? {} : { UserData: from.UserData as ExactJson }),
    ...(from.FilesMetadataDisabled ? { FilesMetadataDisabled: true } : {}),
    Version: 2,
    StartTime: from.StartTime?.toISOString(),
    FinishTime: from.FinishTime?.toISOString(),
    DateFmt: DATE_FORMAT,
    Hostname: from.Hostname,
    DataDir: from.DataDir,
    IsPermanent: from.IsPermanent,
  });
}

/** A `metadata.json` as WAL-G reads it. */
export function writeMetadata(from: SentinelMetadata): string {
  return writeExactJson({
    start_time: from.start_time.toISOString(),
    finish_time: from.finish_time.toISOString(),
    date_fmt: DATE_FORMAT,
    hostname: from.hostname,
    data_dir: from.data_dir,
    pg_version: from.pg_version,
    start_lsn: numberOf(from.start_lsn),
    finish_lsn: numberOf(from.finish_lsn),
    is_permanent: from.is_permanent,
    system_identifier: from.system_identifier === null ? null : BigInt(from.system_identifier),
    timeline: from.timeline ?? undefined,
    uncompressed_size: from.uncompressed_size,
    compressed_size: from.compressed_size,
    ...(from.user_data === undefined ? {} : { user_data: from.user_data as ExactJson }),
  });
}

function specAsJson({ basePrefix, tablespaces }: SentinelSpec): ExactJson {
  const locations = tablespaces.map(({ oid, location, link }) => [oid, { loc: location, link }] as const);
  return {
    base_prefix: basePrefix,
    tablespaces: tablespaces.map(({ oid }) => oid),
    ...Object.fromEntries(locations),
  };
}

function numberOf(lsn: Lsn | null): number | null {
  return lsn === null ? null : lsnBytes(lsn);
}
