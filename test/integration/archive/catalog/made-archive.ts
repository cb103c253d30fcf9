import { writeMetadata, writeSentinel } from '../../../../src/archive/catalog/sentinel.ts';
import { Codec } from '../../../../src/archive/codec/codec.ts';
import type { ArchiveIdentity } from '../../../../src/archive/identity.ts';
import type { ObjectStore } from '../../../../src/archive/store/ports.ts';
import { hex8, segmentName } from '../../../../src/archive/wal/names.ts';
import { lsnAt } from '../../../../src/ha/lsn.ts';
import { timelineId } from '../../../../src/ha/units.ts';

export const SEGMENT = 16 * 1024 ** 2;
export const OWN: ArchiveIdentity = {
  clusterUID: 'uid-1',
  generation: 1,
  systemIdentifier: '7710553394147625644',
};
export const codec = new Codec('zstd', null);

/** An archive of objects with the right names, and as little in them as a catalog reads. */
export class MadeArchive {
  readonly store: ObjectStore;
  readonly #signal: AbortSignal;

  constructor(store: ObjectStore, signal: AbortSignal) {
    this.store = store;
    this.#signal = signal;
  }

  async identity(of: ArchiveIdentity = OWN): Promise<void> {
    await this.#put('pgwarden/identity.json', `${JSON.stringify({ format: 1, ...of })}\n`);
  }

  async segments(timeline: number, first: number, last: number): Promise<void> {
    const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const put = async (): Promise<void> => {
      for (let number = numbers.shift(); number !== undefined; number = numbers.shift())
        await this.#put(
          `wal_005/${segmentName({ timeline: timelineId(timeline), number }, SEGMENT)}.zst`,
          'wal',
        );
    };
    await Promise.all(Array.from({ length: 16 }, put));
  }

  async history(timeline: number, forks: readonly (readonly [number, number])[]): Promise<void> {
    const text = forks.map(([from, place]) => `${from}\t${lsnAt(place * SEGMENT)}\tno reason\n`).join('');
    const bytes = await codec.encodeBytes('', Buffer.from(text));
    await this.store.put(`wal_005/${hex8(timeline)}.history.zst`, bytes, { signal: this.#signal });
  }

  /** A backup from one place to another, counted in segments. Returns its id. */
  async backup(
    timeline: number,
    start: number,
    end: number,
    finishedAt: Date,
    more: { readonly permanent?: boolean; readonly systemIdentifier?: string } = {},
  ): Promise<string> {
    const { permanent = false, systemIdentifier = OWN.systemIdentifier } = more;
    const id = `base_${segmentName({ timeline: timelineId(timeline), number: Math.floor(start) }, SEGMENT)}`;
    const [startLsn, endLsn] = [lsnAt(Math.floor(start * SEGMENT)), lsnAt(Math.floor(end * SEGMENT))];
    for (const part of ['part_001', 'part_002', 'pg_control', 'backup_label'])
      await this.#put(`basebackups_005/${id}/tar_partitions/${part}.tar.zst`, part);
    const metadata = writeMetadata({
      start_time: finishedAt,
      finish_time: finishedAt,
      hostname: 'here',
      data_dir: '/data',
      pg_version: 150_018,
      start_lsn: startLsn,
      finish_lsn: endLsn,
      is_permanent: permanent,
      system_identifier: systemIdentifier,
      timeline,
      uncompressed_size: 1000,
      compressed_size: 100,
    });
    await this.#put(`basebackups_005/${id}/metadata.json`, metadata);
    const sentinel = writeSentinel({
      LSN: startLsn,
      Timeline: timeline,
      DeltaLSN: null,
      DeltaFrom: null,
      DeltaFullName: null,
      DeltaCount: null,
      PgVersion: 150_018,
      FinishLSN: endLsn,
      SystemIdentifier: systemIdentifier,
      UncompressedSize: 1000,
      CompressedSize: 100,
      DataCatalogSize: 1000,
      Spec: null,
      FilesMetadataDisabled: false,
      Version: 2,
      StartTime: finishedAt,
      FinishTime: finishedAt,
      Hostname: 'here',
      DataDir: '/data',
      IsPermanent: false,
    });
    await this.#put(`basebackups_005/${id}_backup_stop_sentinel.json`, sentinel);
    return id;
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list('', { signal: this.#signal })) keys.push(key);
    return keys;
  }

  async #put(key: string, text: string): Promise<void> {
    await this.store.put(key, Buffer.from(text), { signal: this.#signal });
  }
}
