import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import { Spool } from '../../../../src/archive/spool.ts';
import { collect } from '../../../../src/archive/store/content.ts';
import { DEFAULT_S3 } from '../../../../src/archive/store/open.ts';
import { segmentName } from '../../../../src/archive/wal/names.ts';
import { timelineId } from '../../../../src/ha/units.ts';
import { waitFor } from '../../../e2e/wait-for.ts';
import { FaultProxy } from '../../../s3/fault-proxy.ts';
import { BUCKET, obtainS3Server, type S3Server } from '../../../s3/server.ts';
import { dropRoot } from '../../postgres/drop-root.ts';
import { SEGMENT } from '../postgres.ts';
import { pusherOf } from './pusher-of.ts';
import type { PushStep } from './steps.ts';

const signal = AbortSignal.timeout(10 * 60_000);
const FILES = [1, 2, 3].map((number) => segmentName({ timeline: timelineId(1), number }, SEGMENT));

let s3: S3Server | null = null;
let noS3: string | null = null;
beforeAll(async () => {
  ({ server: s3, reason: noS3 } = await obtainS3Server(dropRoot));
}, 12 * 60_000);
afterAll(async () => await s3?.[Symbol.asyncDispose]());

describe.each(['a directory', 'a bucket'] as const)(
  'an agent that is killed while it pushes to %s',
  (kind) => {
    let root: string;
    let wal: string;
    let settings: ArchiveSettings;
    let contents: Map<string, Buffer>;

    beforeEach(async (context) => {
      if (kind === 'a bucket' && noS3 !== null) context.skip(noS3);
      root = await mkdtemp(join(tmpdir(), 'pgwarden-push-'));
      wal = join(root, 'pg_wal');
      await mkdir(join(wal, 'archive_status'), { recursive: true });
      await mkdir(join(root, 'store'));
      await new Spool(root).empty();
      contents = new Map(FILES.map((file) => [file, randomBytes(SEGMENT)]));
      for (const [file, bytes] of contents) {
        await writeFile(join(wal, file), bytes);
        await writeFile(join(wal, 'archive_status', `${file}.ready`), '');
      }
      settings = {
        url: kind === 'a bucket' ? `s3://${BUCKET}/${root.slice(-6)}` : `file://${join(root, 'store')}`,
        s3: s3?.settings() ?? DEFAULT_S3,
        compression: 'zstd',
        keyFile: null,
      };
      return () => rm(root, { recursive: true, force: true });
    });

    /** Returns once it is dead: at that step of the first file. */
    const killAt = async (step: PushStep): Promise<void> => {
      await using proxy = s3 === null ? null : await FaultProxy.start(s3.port);
      const isHeld = kind === 'a bucket' && step === 'half stored';
      if (isHeld) proxy?.fail((method) => (method === 'PUT' ? { kind: 'hold', bytes: SEGMENT / 2 } : null));
      const through = isHeld && s3 !== null ? { ...settings, s3: s3.settings(proxy?.endpoint) } : settings;
      const given = { settings: through, volume: root, wal, step };
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'killed-child.ts'), JSON.stringify(given)],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const ended = once(child, 'exit');
      if (isHeld) await waitFor('half of it to be on its way', async () => (proxy?.holding ?? 0) > 0);
      else expect(String((await Promise.race([once(child.stdout, 'data'), ended]))[0])).toBe(`${step}\n`);
      child.kill('SIGKILL');
      await ended;
    };

    const archived = async (): Promise<string[]> => {
      const { store } = await openArchive(settings);
      const keys: string[] = [];
      for await (const { key } of store.list('', { signal })) keys.push(key);
      store.close();
      return keys;
    };

    test.each<[PushStep, number]>([
      ['prepared', 0],
      ['half stored', 0],
      ['stored', 1],
      ['marked', 1],
    ])(
      'at the step "%s" leaves the file whole or not at all, and the next one goes on',
      async (step, there) => {
        await killAt(step);
        const keys = FILES.map((file) => `wal_005/${file}.zst`);
        expect(await archived()).toEqual(keys.slice(0, there));
        expect(await readdir(join(root, 'archive', 'pushed'))).toEqual(step === 'marked' ? [FILES[0]] : []);

        // As the next agent begins: no mark of another is trusted.
        const spool = new Spool(root);
        await spool.empty();
        const archive = await openArchive(settings);
        await archive.store.prepareToWrite({ signal });
        const outcomes: string[] = [];
        const pusher = pusherOf({
          volume: root,
          wal,
          archive,
          onPushed: (_, how) => void outcomes.push(how),
        });
        while ((await pusher.look(performance.now())) > 0) await pusher.settled();
        pusher.close();
        expect(outcomes).toEqual([there > 0 ? 'present' : 'created', 'created', 'created']);
        expect(await archived()).toEqual(keys);
        for (const [file, bytes] of contents) {
          const key = `wal_005/${file}.zst`;
          const { body } = await archive.store.get(key, { signal });
          expect((await collect(archive.codec.decode(archive.store.name, key, body))).equals(bytes)).toBe(
            true,
          );
        }
        archive.store.close();
      },
    );
  },
);
