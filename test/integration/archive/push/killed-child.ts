// Pushes what is ready, and stands still at one step of the first file, to be killed there:
// `node killed-child.ts '{"settings": …, "volume": …, "wal": …, "step": "stored"}'`.
import { writeSync } from 'node:fs';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import { piecesOf } from '../../../../src/archive/store/content.ts';
import type { Content, ObjectStore } from '../../../../src/archive/store/ports.ts';
import { pusherOf } from './pusher-of.ts';
import type { PushStep } from './steps.ts';

const given = JSON.parse(process.argv[2] ?? '{}') as {
  readonly settings: ArchiveSettings;
  readonly volume: string;
  readonly wal: string;
  readonly step: PushStep;
};

function stopAt(step: PushStep): void {
  if (step !== given.step) return;
  writeSync(1, `${step}\n`);
  process.kill(process.pid, 'SIGSTOP');
}

/** What a store has taken of a content when half of it is on its way; a bucket's is stopped by its proxy. */
async function* half(content: Content): AsyncGenerator<Uint8Array> {
  for await (const piece of piecesOf(content)) {
    yield piece.subarray(0, piece.length / 2);
    stopAt('half stored');
    yield piece.subarray(piece.length / 2);
  }
}

const { store, codec } = await openArchive(given.settings);
const isDirectory = given.settings.url.startsWith('file:');
const stopping = new Proxy(store, {
  get(target, name) {
    if (name === 'create')
      return async (...[key, content, options]: Parameters<ObjectStore['create']>) => {
        stopAt('prepared');
        const halved = isDirectory && given.step === 'half stored' ? half(content) : content;
        const outcome = await target.create(key, halved, options);
        stopAt('stored');
        return outcome;
      };
    const value = Reflect.get(target, name) as unknown;
    return typeof value === 'function' ? value.bind(target) : value;
  },
});
const pusher = pusherOf({
  volume: given.volume,
  wal: given.wal,
  archive: { store: stopping, codec },
  onPushed: () => stopAt('marked'),
});
await pusher.look(performance.now());
await pusher.settled();
