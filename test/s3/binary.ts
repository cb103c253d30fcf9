import { execFile } from 'node:child_process';
import { access, constants, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The S3 server of the tests. The oldest Go that builds it is the one its go.mod names; Go fetches a newer by itself. */
const MODULE = 'github.com/versity/versitygw';
const VERSION = 'v1.8.0';
const BUILD_WITHIN = 10 * 60_000;
const PROGRESS_EVERY = 20_000;

/** Why there is none, in words for the report of skipped tests. */
export class NoS3Server extends Error {}

/**
 * The versitygw to run: VERSITYGW, or one in S3_HOME/bin, which is built there first where it is missing (a minute or
 * two, once).
 *
 * @throws NoS3Server
 */
export async function findS3Server(): Promise<string> {
  const given = process.env.VERSITYGW;
  if (given !== undefined && given !== '') {
    if (!(await isExecutable(given))) throw new NoS3Server(`VERSITYGW: there is no ${given}`);
    return given;
  }
  const path = join(s3Home(), 'bin', `versitygw-${VERSION}`);
  if (!(await isExecutable(path))) await build(path);
  return path;
}

function s3Home(): string {
  const { S3_HOME, XDG_CACHE_HOME } = process.env;
  if (S3_HOME !== undefined && S3_HOME !== '') return S3_HOME;
  if (process.getuid?.() === 0) return '/opt/pgwarden-s3';
  return join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pgwarden', 's3');
}

/** Made aside and renamed: an interrupted build leaves nothing that passes for whole. */
async function build(path: string): Promise<void> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = await Promise.all(folders.map((folder) => isExecutable(join(folder, 'go'))));
  if (!found.includes(true))
    throw new NoS3Server('no S3 server, and no Go to build one: install Go, or set VERSITYGW');
  const folder = `${path}.build-${process.pid}`;
  await mkdir(folder, { recursive: true });
  const started = Date.now();
  console.warn(`building ${MODULE} ${VERSION} with Go: a minute or two, once`);
  const progress = setInterval(() => {
    console.warn(`building versitygw: ${Math.round((Date.now() - started) / 1000)} s`);
  }, PROGRESS_EVERY);
  try {
    await run('go', ['install', `${MODULE}/cmd/versitygw@${VERSION}`], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' },
      timeout: BUILD_WITHIN,
      maxBuffer: 64 * 1024 ** 2,
    });
    await rename(join(folder, 'versitygw'), path);
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const lastLines = stderr.trim().split('\n').slice(-4).join(' | ');
    throw new NoS3Server(`versitygw could not be built: ${lastLines || message}`);
  } finally {
    clearInterval(progress);
    await rm(folder, { recursive: true, force: true });
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
