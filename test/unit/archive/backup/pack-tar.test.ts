import { randomBytes } from 'node:crypto';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { packTar } from '../../../../src/archive/backup/pack-tar.ts';
import { StandIns } from '../../../../src/archive/backup/stand-ins.ts';
import { TarSource } from '../../../../src/archive/backup/tar.ts';
import { COMPRESSIONS, compressBytes, decompressStream } from '../../../../src/archive/codec/compression.ts';
import { collect } from '../../../../src/archive/store/content.ts';

const KB = 1024;
const modifiedAt = new Date(0);

test.each(COMPRESSIONS)(
  'a tar of pieces that are compressed already and others is whole (%s)',
  async (how) => {
    const small = randomBytes(10 * KB);
    const large = [randomBytes(512 * KB), Buffer.alloc(512 * KB), randomBytes(100 * KB)];
    const last = randomBytes(33);
    const whole = Buffer.concat([...large, last]);
    const source = new TarSource(async (tar) => {
      await tar.file({ path: 'small', size: small.length, mode: 0o600, modifiedAt }, [small]);
      await tar.file(
        { path: 'large', size: whole.length, mode: 0o600, modifiedAt },
        (async function* () {
          for (const piece of large)
            yield tar.packed(piece.length, Buffer.from(await compressBytes(how, piece)));
          yield last;
        })(),
      );
      await tar.file({ path: 'again', size: small.length, mode: 0o600, modifiedAt }, [small]);
    });
    // A piece lasts until the next one is asked for.
    const stored: Buffer[] = [];
    for await (const piece of packTar(how, source.pieces(), source.standIns)) stored.push(Buffer.from(piece));
    const files: [string, boolean][] = [];
    const reader = extract();
    reader.end(
      await collect(
        decompressStream(
          how,
          (async function* () {
            yield* stored;
          })(),
        ),
      ),
    );
    for await (const entry of reader) {
      const bytes = await collect(entry as AsyncIterable<Uint8Array>);
      files.push([entry.header.name, bytes.equals(entry.header.name === 'large' ? whole : small)]);
    }
    expect(files).toEqual([
      ['small', true],
      ['large', true],
      ['again', true],
    ]);
  },
);

test('what is compressed of an empty tar is something that decompresses', async () => {
  const none = (async function* (): AsyncGenerator<Uint8Array> {})();
  const stored = await collect(packTar('zstd', none, new StandIns()));
  expect(
    (
      await collect(
        decompressStream(
          'zstd',
          (async function* () {
            yield stored;
          })(),
        ),
      )
    ).length,
  ).toBe(0);
});
