import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from './errors.ts';
import { render } from './output/format.ts';

/** Nobody guesses 24 bytes, and base64url needs no quoting in a URL, in SQL, or in a shell. */
const WORD_BYTES = 24;
/** A DNS-1123 label. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

interface Options {
  readonly name: string;
  readonly namespace?: string;
  readonly database: string;
  readonly owner: string;
  readonly directory?: string;
  readonly output: 'yaml' | 'json';
}

/** Who each word is for. */
const NAMES = ['superuser', 'replication', 'application', 'token'] as const;

/** `pgwarden secrets`: the Secrets that the manifests mount, with new random words. Nothing is sent anywhere. */
export function registerSecrets(program: Command): void {
  program
    .command('secrets')
    .summary('print new Secrets for a cluster on Kubernetes, or write them to files')
    .description(
      'Prints two Secrets as YAML: NAME-secrets, which the members mount, and NAME-app with what an application connects with.',
    )
    .option('--name <name>', 'name of the cluster, as in cluster.name', 'pg')
    .option('-n, --namespace <namespace>', 'namespace of the Secrets (default: that of kubectl)')
    .option('--database <name>', 'as in postgres.application.database', 'app')
    .option('--owner <name>', 'as in postgres.application.owner', 'app')
    .option('--directory <dir>', 'no Secrets: write a file each there; those that are there stay')
    .addOption(new Option('-o, --output <format>', 'what to print').choices(['yaml', 'json']).default('yaml'))
    .addHelpText(
      'after',
      '\nExample (create, not apply: Secrets that are there are not replaced):\n  $ pgwarden secrets | kubectl create -f -',
    )
    .action(async (options: Options) => {
      for (const name of [options.name, options.namespace]) {
        if (name !== undefined && !LABEL.test(name))
          throw new UsageError(
            `${JSON.stringify(name)} is no name of Kubernetes`,
            'use at most 63 lower-case letters, digits and "-"',
          );
      }
      if (options.directory !== undefined) await writeFiles(options.directory);
      else process.stdout.write(`${await render(options.output, secrets(options), () => '')}\n`);
    });
}

/** Readable for their owner alone. A second run changes nothing: the words may be in use. */
async function writeFiles(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const name of NAMES) {
    try {
      await writeFile(join(directory, name), word(), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function secrets(options: Options): unknown {
  const { name, database, owner } = options;
  const application = word();
  const host = `${name}-rw`;
  const where = `${host}:5432/${encodeURIComponent(database)}`;
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      secret(options, `${name}-secrets`, 'Opaque', {
        superuser: word(),
        replication: word(),
        application,
        token: word(),
      }),
      secret(options, `${name}-app`, 'kubernetes.io/basic-auth', {
        username: owner,
        password: application,
        host,
        port: '5432',
        dbname: database,
        uri: `postgresql://${encodeURIComponent(owner)}:${application}@${where}`,
        'jdbc-uri': `jdbc:postgresql://${where}?user=${encodeURIComponent(owner)}&password=${application}`,
      }),
    ],
  };
}

function secret(
  options: Options,
  name: string,
  type: string,
  stringData: Readonly<Record<string, string>>,
): unknown {
  const namespace = options.namespace === undefined ? {} : { namespace: options.namespace };
  const labels = {
    'app.kubernetes.io/name': 'pgwarden',
    'app.kubernetes.io/instance': options.name,
  };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, ...namespace, labels }, type, stringData };
}

function word(): string {
  return randomBytes(WORD_BYTES).toString('base64url');
}
