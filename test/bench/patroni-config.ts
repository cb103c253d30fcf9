import { stringify } from 'yaml';

export interface PatroniMember {
  readonly name: string;
  readonly port: number;
  readonly restPort: number;
  readonly dataDirectory: string;
}

export interface PatroniPlace {
  readonly etcdPort: number;
  readonly binaries: string;
  readonly socketDirectory: string;
  /** Of all its users. */
  readonly password: string;
}

/** A member's configuration: Patroni's own defaults for every interval, written out; synchronous mode on. */
export function patroniConfig(member: PatroniMember, place: PatroniPlace): string {
  const { password } = place;
  return stringify({
    scope: 'bench',
    name: member.name,
    restapi: { listen: `127.0.0.1:${member.restPort}`, connect_address: `127.0.0.1:${member.restPort}` },
    etcd3: { host: `127.0.0.1:${place.etcdPort}` },
    bootstrap: {
      dcs: {
        ttl: 30,
        loop_wait: 10,
        retry_timeout: 10,
        maximum_lag_on_failover: 1_048_576,
        synchronous_mode: true,
        postgresql: { use_pg_rewind: true, use_slots: true },
      },
      initdb: [{ encoding: 'UTF8' }, 'data-checksums'],
    },
    postgresql: {
      listen: `127.0.0.1:${member.port}`,
      connect_address: `127.0.0.1:${member.port}`,
      data_dir: member.dataDirectory,
      bin_dir: place.binaries,
      pgpass: `${place.socketDirectory}/${member.name}.pgpass`,
      authentication: {
        superuser: { username: 'postgres', password },
        replication: { username: 'replicator', password },
        rewind: { username: 'rewinder', password },
      },
      parameters: { unix_socket_directories: place.socketDirectory, password_encryption: 'scram-sha-256' },
      pg_hba: [
        'local all all scram-sha-256',
        'host replication replicator 127.0.0.1/32 scram-sha-256',
        'host all all 127.0.0.1/32 scram-sha-256',
      ],
    },
  });
}
