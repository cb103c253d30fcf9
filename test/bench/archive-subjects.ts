import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { archiveCommand, installAskScript, restoreCommand } from '../../src/archive/commands.ts';
import type { ArchiveSettings } from '../../src/archive/opened-archive.ts';
import { Spool } from '../../src/archive/spool.ts';
import { DEFAULT_S3 } from '../../src/archive/store/open.ts';
import { MEMORY } from '../../src/demo/child-environment.ts';
import { bundle } from './archive-bundle.ts';
import { ACCESS_KEY, BUCKET, REGION, SECRET_KEY, type TlsS3 } from './archive-s3.ts';
import { SEGMENT } from './archive-segments.ts';
import type { ServiceWork } from './archive-service.ts';

/** What is asked for a file, and who answers beside it. */
export interface Asked {
  readonly command: string;
  readonly service: readonly string[] | null;
}

/** An archiving program over a store that is its own. */
export interface ArchiveSubject {
  readonly name: string;
  push(): Promise<Asked>;
  get(): Promise<Asked>;
}

export interface SubjectPlace {
  /** A directory that is the subject's own. */
  readonly directory: string;
  readonly dataDirectory: string;
  /** Null: a directory is the store. */
  readonly s3: TlsS3 | null;
  /** Files at once. */
  readonly parallel: number;
}

/** pgwarden's store; made where it is a directory. */
export async function storeOf({
  directory,
  s3,
}: Pick<SubjectPlace, 'directory' | 's3'>): Promise<ArchiveSettings> {
  const store = join(directory, 'store');
  await mkdir(store, { recursive: true });
  return {
    url: s3 === null ? `file://${store}` : `s3://${BUCKET}/pgwarden`,
    s3: s3?.settings ?? DEFAULT_S3,
    compression: 'zstd',
    keyFile: null,
  };
}

/** pgwarden's part of the agent, in a process of its own, asked as its archive_command asks. */
export async function pgwarden(place: SubjectPlace): Promise<ArchiveSubject> {
  const { directory, dataDirectory, parallel } = place;
  const spool = new Spool(directory);
  const settings = await storeOf(place);
  const script = await installAskScript(directory);
  const socket = join(directory, 's');
  const program = await bundle('archive-service', join(directory, 'program'));
  const service = (mode: ServiceWork['mode']): readonly string[] => {
    const work: ServiceWork = {
      mode,
      settings,
      volume: directory,
      walDirectory: join(dataDirectory, 'pg_wal'),
      socket,
      segmentBytes: SEGMENT,
      parallel,
    };
    const environment = Object.entries(MEMORY).map(([name, value]) => `${name}=${value}`);
    return ['env', ...environment, process.execPath, program, JSON.stringify(work)];
  };
  const places = { spool, script, socket };
  return {
    name: 'pgwarden',
    push: async () => {
      await spool.empty();
      return { command: archiveCommand(places), service: service('push') };
    },
    get: async () => {
      await spool.empty();
      return { command: restoreCommand(places, 'recovery'), service: service('get') };
    },
  };
}

/** pgbackrest in its asynchronous mode, with the cheapest compression that both have, and as many processes. */
export async function pgbackrest(program: string, place: SubjectPlace): Promise<ArchiveSubject> {
  const base = (await configurePgbackrest(program, place)).join(' ');
  return {
    name: 'pgbackrest',
    push: async () => ({ command: `${base} archive-push %p`, service: null }),
    get: async () => ({ command: `${base} archive-get %f "%p"`, service: null }),
  };
}

/** Makes its configuration and its stanza; the beginning of every command. */
export async function configurePgbackrest(
  program: string,
  place: SubjectPlace,
  more: readonly string[] = [],
): Promise<readonly string[]> {
  const { directory, dataDirectory, s3, parallel } = place;
  const folder = (name: string): string => join(directory, name);
  for (const name of ['store', 'spool', 'lock', 'log']) await mkdir(folder(name), { recursive: true });
  const repository =
    s3 === null
      ? ['repo1-type=posix', `repo1-path=${folder('store')}`]
      : [
          'repo1-type=s3',
          'repo1-path=/pgbackrest',
          'repo1-s3-endpoint=localhost',
          `repo1-storage-port=${s3.port}`,
          'repo1-storage-verify-tls=n',
          'repo1-s3-uri-style=path',
          `repo1-s3-bucket=${BUCKET}`,
          `repo1-s3-region=${REGION}`,
          `repo1-s3-key=${ACCESS_KEY}`,
          `repo1-s3-key-secret=${SECRET_KEY}`,
        ];
  const configuration = [
    '[global]',
    ...repository,
    'archive-async=y',
    `spool-path=${folder('spool')}`,
    `lock-path=${folder('lock')}`,
    `log-path=${folder('log')}`,
    'log-level-console=error',
    'log-level-file=off',
    `process-max=${parallel}`,
    'compress-type=zst',
    'compress-level=1',
    ...more,
    ...(more.includes('[bench]') ? [] : ['[bench]']),
    `pg1-path=${dataDirectory}`,
    '',
  ];
  const file = folder('pgbackrest.conf');
  await writeFile(file, configuration.join('\n'));
  const base = [program, `--config=${file}`, '--stanza=bench'];
  await execa(program, [`--config=${file}`, '--stanza=bench', '--no-online', 'stanza-create']);
  return base;
}
