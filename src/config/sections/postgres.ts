import { list, map, optionalText, text, whole } from '../leaves.ts';
import {
  absolutePath,
  hbaRule,
  identifier,
  listenAddresses,
  parameterName,
  parameterValue,
  socketDirectory,
  userName,
} from '../patterns.ts';
import { section } from '../setting.ts';
import { initdb } from './initdb.ts';

const agent = 'needs a restart of the agent';
const restart = 'needs a restart of Postgres';
const reload = 'needs a reload of Postgres';

function passwordFile(whose: string) {
  return optionalText(absolutePath, {
    description: `A file with the password of ${whose}. It is read again when it changes, and the role follows without a restart.`,
    derivedDefault: 'no password: only the local socket lets this role in',
    effect: 'at once',
  });
}

export const postgres = section('The Postgres server of this member.', {
  binDirectory: optionalText(absolutePath, {
    description: 'The directory of `postgres`, `initdb`, `pg_basebackup`, `pg_rewind` and `pg_controldata`.',
    derivedDefault: 'that of `PGBIN`, or the newest of 14 to 18 in `PATH` and `/usr/lib/postgresql/*/bin`',
    effect: agent,
  }),
  port: whole(
    5432,
    { least: 1, most: 65535 },
    { description: 'The TCP port that Postgres listens on.', effect: restart },
  ),
  listenAddresses: text('*', listenAddresses, {
    description: 'The addresses that Postgres listens on, as in `listen_addresses`.',
    effect: restart,
  }),
  socketDirectory: text('/var/run/postgresql', socketDirectory, {
    description: "The directory of Postgres's Unix socket; the agent itself connects there.",
    effect: agent,
  }),
  user: text('postgres', userName, {
    description: 'The user of the operating system that Postgres runs as where the agent runs as root.',
    effect: agent,
  }),
  parameters: map(parameterName, parameterValue, {
    description:
      'Parameters of postgresql.conf, passed through by name. They are checked against the server; those that the protocol owns are refused. Some need a restart of Postgres: the server tells which, and `pgwarden status` shows what is pending.',
    effect: reload,
  }),
  hba: list(hbaRule, {
    description:
      'Rules of pg_hba.conf for clients, kept in this order, behind the rules of the agent and of replication. Where the list is empty, every role may come in from anywhere with its SCRAM password.',
    effect: reload,
  }),
  tls: section('TLS for clients and standbys.', {
    certificateFile: optionalText(absolutePath, {
      description: 'The certificate chain (PEM) of the server. It is read again when it changes.',
      derivedDefault: 'none: no TLS',
      effect: reload,
    }),
    keyFile: optionalText(absolutePath, {
      description:
        'Its private key (PEM), readable for `postgres.user` alone, or of root and readable for its group. It is read again when it changes.',
      derivedDefault: 'none',
      effect: reload,
    }),
    caFile: optionalText(absolutePath, {
      description:
        'The certificates (PEM) that sign the certificates of clients, for rules of `postgres.hba` that ask for one.',
      derivedDefault: 'none: no client certificate is believed',
      effect: reload,
    }),
  }),
  superuser: section('The role that the agent itself uses.', {
    name: text('postgres', identifier, { description: 'Its name.', effect: agent }),
    passwordFile: passwordFile('the superuser'),
  }),
  replication: section('The role that standbys stream, clone and rewind with.', {
    name: text('pgwarden_replication', identifier, { description: 'Its name.', effect: agent }),
    passwordFile: passwordFile('the replication role; the same one on every member'),
  }),
  application: section('The database that is made for the application.', {
    database: text('app', identifier, {
      description: 'Its name.',
      effect: 'is used only once, when the cluster is made',
    }),
    owner: text('app', identifier, {
      description: 'The role that owns it.',
      effect: 'is used only once, when the cluster is made',
    }),
    passwordFile: passwordFile('the owner'),
  }),
  initdb,
});
