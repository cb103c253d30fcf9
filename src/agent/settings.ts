import type { Configuration } from '../config/configuration.ts';
import { memberName } from '../ha/member.ts';
import type { HaSettings } from '../ha/view.ts';
import type { Binaries } from '../postgres/find-binaries.ts';
import type { InstanceOptions, InstanceSettings } from '../postgres/ports.ts';
import type { Secrets } from './secrets.ts';

/** What the rules need of the configuration. */
export function haSettings(configuration: Configuration): HaSettings {
  const { ha, cluster, tags } = configuration;
  return {
    expectedMembers: Array.from({ length: cluster.members }, (_, ordinal) =>
      memberName(`${memberPrefix(cluster.memberName)}-${ordinal}`),
    ),
    durability: ha.durability,
    acks: ha.acks === 'auto' ? null : ha.acks,
    leaseDuration: ha.leaseDuration,
    renewInterval: ha.renewInterval,
    drift: ha.drift,
    stopTimeout: ha.stopTimeout,
    suspectAfter: ha.suspectAfter,
    recruitTimeout: ha.recruitTimeout,
    staleReadBound: ha.staleReadBound,
    hungAfter: ha.hungAfter,
    dropAfter: ha.dropAfter,
    stuckAfter: ha.stuckAfter,
    maximumLagOnFailover: ha.maximumLagOnFailover,
    tags,
  };
}

/** A StatefulSet names its pods `<prefix>-<ordinal>`. */
function memberPrefix(member: string): string {
  return member.slice(0, member.lastIndexOf('-'));
}

/** What stays for the life of the agent. `postInitSql`: with the files' contents. */
export function instanceOptions(
  configuration: Configuration,
  binaries: Binaries,
  secrets: Secrets,
  postInitSql: readonly string[],
  archive: { readonly archiveCommand: string; readonly restoreCommand: string } | null,
): InstanceOptions {
  const { postgres, slots, ha, cluster } = configuration;
  const { initdb } = postgres;
  return {
    volume: configuration.volume,
    binaries: { directory: binaries.directory, major: binaries.major },
    memberIdentity: { member: cluster.memberName },
    port: postgres.port,
    listenAddresses: postgres.listenAddresses,
    socketDirectory: postgres.socketDirectory,
    superuser: { name: postgres.superuser.name, password: () => secrets.read('superuser') },
    replication: { name: postgres.replication.name, password: () => secrets.read('replication') },
    application: {
      database: postgres.application.database,
      owner: { name: postgres.application.owner, password: () => secrets.read('application') },
    },
    initdb: {
      encoding: initdb.encoding,
      locale: initdb.localeProvider === 'icu' ? (initdb.icuLocale ?? initdb.locale) : initdb.locale,
      localeProvider: initdb.localeProvider,
      dataChecksums: initdb.dataChecksums,
      walSegmentSizeMb: initdb.walSegmentSize / 1024 ** 2,
      postInitSql,
    },
    stopTimeout: ha.stopTimeout,
    maxSlotWalKeepSize: `${Math.floor(slots.maxSlotWalKeepSize / 1024 ** 2)}MB`,
    suspectAfter: ha.suspectAfter,
    summarizeWal: archive !== null && configuration.backup.incremental,
    ...(archive ?? {}),
  };
}

/** What a reload may change. */
export function instanceSettings(configuration: Configuration): InstanceSettings {
  const { postgres } = configuration;
  const { certificateFile, keyFile, caFile } = postgres.tls;
  return {
    parameters: Object.fromEntries(
      Object.entries(postgres.parameters).map(([name, value]) => [name, String(value)]),
    ),
    hba: postgres.hba,
    tls: certificateFile === null || keyFile === null ? null : { certificateFile, keyFile, caFile },
  };
}
