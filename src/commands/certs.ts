import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { execa } from 'execa';
import { CommandError, UsageError } from './errors.ts';
import { render } from './output/format.ts';

/** Days. */
const CA_LASTS = 3650;
const LASTS = 397;
/** A DNS-1123 label. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

interface Options {
  readonly name: string;
  readonly namespace: string;
  readonly days: string;
  readonly host: readonly string[];
  readonly caCertificate?: string;
  readonly caKey?: string;
  readonly output: 'yaml' | 'json';
}

/** `pgwarden certs`: a certificate authority and a server certificate as Secrets, made by openssl. Nothing is sent anywhere. */
export function registerCerts(program: Command): void {
  program
    .command('certs')
    .summary('print a CA and a server certificate as Secrets')
    .description(
      'Prints two Secrets: NAME-ca with a new certificate authority (keep its key off the cluster), and NAME-tls, which ' +
        'the component tls mounts, with a certificate for the Services and the pods. With --ca-certificate and --ca-key ' +
        'of an earlier one only NAME-tls is made anew: applied, it is taken up without a restart. Needs openssl.',
    )
    .option('--name <name>', 'name of the cluster, as in cluster.name', 'pg')
    .option('-n, --namespace <namespace>', 'namespace of the cluster', 'default')
    .option('--days <days>', 'how long the server certificate is valid', String(LASTS))
    .option('--host <name...>', 'more names that clients connect to', [])
    .option('--ca-certificate <file>', 'an authority that there is: its certificate (PEM)')
    .option('--ca-key <file>', 'and its key (PEM)')
    .addOption(new Option('-o, --output <format>', 'what to print').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', '\nExample:\n  $ pgwarden certs -n db | kubectl apply -f -')
    .action(async (options: Options) => {
      check(options);
      process.stdout.write(`${await render(options.output, await certificates(options), () => '')}\n`);
    });
}

function check({ name, namespace, days, host, caCertificate, caKey }: Options): void {
  const wrong = [name, namespace].find((label) => !LABEL.test(label));
  if (wrong !== undefined)
    throw new UsageError(
      `${JSON.stringify(wrong)} is no name of Kubernetes`,
      'use at most 63 lower-case letters, digits and "-"',
    );
  if (!/^[1-9]\d{0,4}$/.test(days))
    throw new UsageError(`--days ${days}`, 'give a whole number from 1 to 99999');
  const bad = host.find((other) => !/^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(other));
  if (bad !== undefined) throw new UsageError(`${JSON.stringify(bad)} is no host name`, 'give a DNS name');
  if ((caCertificate === undefined) !== (caKey === undefined))
    throw new UsageError(
      'an authority is its certificate and its key',
      'give both --ca-certificate and --ca-key',
    );
}

/** The names by which clients and members reach the cluster from within Kubernetes, and more of a person's. */
export function hostNames({
  name,
  namespace,
  host,
}: Pick<Options, 'name' | 'namespace' | 'host'>): readonly string[] {
  const suffixes = ['', `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`];
  const services = [`${name}-rw`, `${name}-ro`, `${name}-r`, name, `*.${name}`];
  return [...suffixes.flatMap((suffix) => services.map((service) => `${service}${suffix}`)), ...host];
}

async function certificates(options: Options): Promise<unknown> {
  const { name, caCertificate, caKey, days } = options;
  const directory = await mkdtemp(join(tmpdir(), 'pgwarden-certs-'));
  const at = (file: string): string => join(directory, file);
  const read = (file: string): Promise<string> => readFile(at(file), 'utf8');
  try {
    const given = caCertificate !== undefined && caKey !== undefined;
    const authority = given ? [caCertificate, caKey] : [at('ca.crt'), at('ca.key')];
    if (!given) {
      await openssl(
        'req',
        '-x509',
        ...NEW_KEY,
        '-sha256',
        '-days',
        String(CA_LASTS),
        '-subj',
        `/CN=${name} CA`,
        ...[
          ...['-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0'],
          ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
          ...['-keyout', at('ca.key'), '-out', at('ca.crt')],
        ],
      );
    }
    const [certificate = '', key = ''] = authority;
    const extensions = [
      'basicConstraints=CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth,clientAuth',
      `subjectAltName=${hostNames(options)
        .map((host) => `DNS:${host}`)
        .join(',')}`,
    ];
    await writeFile(at('extensions'), `${extensions.join('\n')}\n`);
    await openssl(
      'req',
      '-new',
      ...NEW_KEY,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      at('tls.key'),
      '-out',
      at('tls.csr'),
    );
    await openssl(
      'x509',
      '-req',
      '-sha256',
      '-in',
      at('tls.csr'),
      '-CA',
      certificate,
      '-CAkey',
      key,
      ...[
        ...['-set_serial', `0x${crypto.randomUUID().replaceAll('-', '').slice(1)}`],
        ...['-days', days, '-extfile', at('extensions'), '-out', at('tls.crt')],
      ],
    );
    const ca = await readFile(certificate, 'utf8');
    const server = { 'tls.crt': await read('tls.crt'), 'tls.key': await read('tls.key'), 'ca.crt': ca };
    return {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        ...(given
          ? []
          : [secret(options, `${name}-ca`, 'Opaque', { 'ca.crt': ca, 'ca.key': await read('ca.key') })]),
        secret(options, `${name}-tls`, 'kubernetes.io/tls', server),
      ],
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function secret(
  { name, namespace }: Options,
  of: string,
  type: string,
  stringData: Readonly<Record<string, string>>,
): unknown {
  const labels = { 'app.kubernetes.io/name': 'pgwarden', 'app.kubernetes.io/instance': name };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: of, namespace, labels }, type, stringData };
}

/** @throws CommandError OPENSSL_MISSING, OPENSSL_FAILED */
async function openssl(...args: readonly string[]): Promise<void> {
  const { exitCode, code, stderr } = await execa('openssl', args, { reject: false, stdin: 'ignore' });
  if (code === 'ENOENT')
    throw new CommandError(
      'OPENSSL_MISSING',
      'openssl is not installed',
      'install it (Debian: openssl), or run this in the image, which has it',
    );
  if (exitCode !== 0)
    throw new CommandError(
      'OPENSSL_FAILED',
      `openssl ${args[0]}: ${stderr.trim().split('\n').at(-1)}`,
      'check the files that were given',
    );
}
