import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { wholeBetween } from './demo-options.ts';
import { UsageError } from './errors.ts';

interface Options {
  readonly members: string;
  readonly database: readonly string[];
  readonly user: readonly string[];
  readonly authUser?: string;
  readonly directory: string;
  readonly listen: string;
  readonly port: number;
  readonly poolMode: 'transaction' | 'session';
  readonly poolSize: number;
  readonly clients: number;
  readonly hold: number;
  readonly poll: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly pgbouncer: string;
  readonly runAs: string;
}

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `pgwarden pooler`: a PgBouncer that follows the primary. */
export function registerPooler(program: Command): void {
  program
    .command('pooler')
    .summary('run a PgBouncer that follows the primary')
    .description(
      'Starts PgBouncer and keeps it at the primary, until SIGTERM. In a planned hand-over clients wait (PAUSE) and go on at the new primary. Each database is there by its name on the primary, and as NAME_ro on the standbys.',
    )
    .requiredOption('--members <urls>', 'the agents, between commas: http://pg-0.pg:8008,…')
    .requiredOption('--database <name>', 'a database; may be given again', several)
    .option('--user <name=file>', 'a user and the file with its password; may be given again', several, [])
    .option('--auth-user <name>', 'who of them asks pgwarden_pooler.login() for other users')
    .option('--directory <dir>', 'for its files and its socket', '/run/pgbouncer')
    .option('--listen <address>', 'the address to listen on', '0.0.0.0')
    .option('--port <port>', 'the port to listen on', wholeBetween(1, 65535), 6432)
    .addOption(
      new Option('--pool-mode <mode>', 'when a server connection is given back')
        .choices(['transaction', 'session'])
        .default('transaction'),
    )
    .option('--pool-size <n>', 'server connections for each user and database', wholeBetween(1, 10_000), 20)
    .option('--clients <n>', 'client connections at most', wholeBetween(1, 100_000), 1000)
    .option('--hold <seconds>', 'how long clients wait for a hand-over at most', wholeBetween(1, 3600), 15)
    .option('--poll <ms>', 'how often the agents are asked', wholeBetween(20, 5000), 100)
    .option('--tls-cert <path>', 'certificate for clients')
    .option('--tls-key <path>', 'its key')
    .option('--pgbouncer <path>', 'the program', 'pgbouncer')
    .option('--run-as <user>', 'as root: the user to run as', 'postgres')
    .addHelpText(
      'after',
      '\nExample:\n  $ pgwarden pooler --members http://pg-0.pg:8008,http://pg-1.pg:8008 --database app --user app=/secrets/app',
    )
    .action(async (options: Options) => {
      const { runPooler } = await import('../pooler/run.ts');
      const { isPoolable } = await import('../pooler/ini.ts');
      for (const name of options.database) {
        if (!isPoolable(name))
          throw new UsageError(
            `PgBouncer cannot have a database ${JSON.stringify(name)}`,
            'its name may have letters, digits, "_", "-" and "."',
          );
      }
      const end = new AbortController();
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => end.abort());
      const { tlsCert: cert, tlsKey: key } = options;
      await runPooler(
        {
          members: options.members.split(',').map(urlOf),
          name: `${hostname()}-${options.port}`,
          databases: options.database,
          users: options.user.map(userOf),
          authUser: options.authUser ?? null,
          directory: options.directory,
          listen: options.listen,
          port: options.port,
          poolMode: options.poolMode,
          poolSize: options.poolSize,
          clients: options.clients,
          holdMost: options.hold * 1000,
          pollEvery: options.poll,
          tls: cert === undefined || key === undefined ? null : { cert, key },
          program: options.pgbouncer,
          runAs: options.runAs,
        },
        end.signal,
      );
    });
}

function urlOf(text: string): URL {
  if (!URL.canParse(text))
    throw new UsageError(`${JSON.stringify(text)} is no URL`, 'write http://HOST:8008');
  return new URL(text);
}

function userOf(text: string): { readonly name: string; readonly passwordFile: string } {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--user ${text} names no file`, 'write --user NAME=FILE');
  return { name: text.slice(0, at), passwordFile: text.slice(at + 1) };
}
