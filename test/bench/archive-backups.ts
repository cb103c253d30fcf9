import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveCommand, installAskScript } from '../../src/archive/commands.ts';
import type { ArchiveSettings } from '../../src/archive/opened-archive.ts';
import { Spool } from '../../src/archive/spool.ts';
import type { BackupWork } from './archive-backup-process.ts';
import { bundle } from './archive-bundle.ts';
import type { BenchCluster } from './archive-cluster.ts';
import { SEGMENT } from './archive-segments.ts';
import { configurePgbackrest, type SubjectPlace, storeOf } from './archive-subjects.ts';

/** A program that backs a running cluster up, and restores it. */
export interface BackupSubject {
  readonly name: string;
  /** Makes the cluster archive to it. */
  prepare(cluster: BenchCluster): Promise<void>;
  backup(cluster: BenchCluster): readonly string[];
  /** Into this directory, without replay. */
  restore(directory: string): Promise<readonly string[]>;
}

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js');

/** The agent's part in a backup, in a process of its own, and the command `pgwarden restore`. */
export async function pgwardenBackups(place: Omit<SubjectPlace, 'dataDirectory'>): Promise<BackupSubject> {
  const { directory, parallel } = place;
  const settings = await storeOf(place);
  const program = await bundle('archive-backup-process', join(directory, 'program'));
  const socket = join(directory, 'base.s');
  const spool = new Spool(directory);
  return {
    name: 'pgwarden',
    prepare: async (cluster) => {
      await spool.empty();
      const script = await installAskScript(directory);
      await cluster.archiveBy(archiveCommand({ spool, script, socket }));
    },
    backup: ({ data, socket: host, port }) => {
      const work: BackupWork = {
        settings,
        volume: directory,
        socket,
        data,
        host,
        port,
        segmentBytes: SEGMENT,
        parallel,
      };
      return [process.execPath, program, JSON.stringify(work)];
    },
    restore: async (to) => {
      await rm(to, { recursive: true, force: true });
      const flags = ['--no-replay', '--parallel', `${parallel}`, '-o', 'json'];
      return [
        ...[process.execPath, MAIN, 'restore', '--from', settings.url, '-D', to],
        ...[...flags, ...setFlags(settings)],
      ];
    },
  };
}

function setFlags({ s3 }: ArchiveSettings): string[] {
  if (s3.endpoint === null) return [];
  const values = {
    endpoint: s3.endpoint,
    region: s3.region,
    pathStyle: s3.pathStyle,
    caFile: s3.caFile,
    accessKeyIdFile: s3.credentials?.accessKeyIdFile,
    secretAccessKeyFile: s3.credentials?.secretAccessKeyFile,
  };
  return Object.entries(values).flatMap(([name, value]) => ['--set', `archive.s3.${name}=${value}`]);
}

/** pgbackrest with the same compression and as many processes, small files bundled. */
export async function pgbackrestBackups(
  program: string,
  place: Omit<SubjectPlace, 'dataDirectory'>,
  cluster: BenchCluster,
): Promise<BackupSubject> {
  const base = await configurePgbackrest(program, { ...place, dataDirectory: cluster.data }, [
    'repo1-bundle=y',
    'repo1-retention-full=1',
    'start-fast=y',
    '[bench]',
    `pg1-socket-path=${cluster.socket}`,
    `pg1-port=${cluster.port}`,
    'pg1-user=postgres',
  ]);
  return {
    name: 'pgbackrest',
    prepare: async () => await cluster.archiveBy([...base, 'archive-push', '%p'].join(' ')),
    backup: () => [...base, '--type=full', 'backup'],
    restore: async (to) => {
      await rm(to, { recursive: true, force: true });
      await mkdir(to, { mode: 0o700 });
      return [...base, `--pg1-path=${to}`, 'restore'];
    },
  };
}
