import { describe, expect, it } from 'vitest';
import { memberName } from '../../../src/ha/member.ts';
import { beginRecovery } from '../../../src/ha/recovery.ts';
import { epoch, millis, timelineId } from '../../../src/ha/units.ts';
import {
  LeaseForeignError,
  RecordFormatError,
  RecordMalformedError,
} from '../../../src/kubernetes/errors.ts';
import {
  decodeMember,
  decodeRecord,
  encodeMember,
  encodeRecord,
} from '../../../src/kubernetes/lease-codec.ts';
import { memberOfLease, RECORD_ANNOTATION } from '../../../src/kubernetes/lease-envelope.ts';
import type { WireLease } from '../../../src/kubernetes/wire.ts';
import { HOLDER, member, record } from './fixtures.ts';

const PLACE = { namespace: 'db', cluster: 'pg' };
const NOW = new Date('2026-03-04T05:06:07.089Z');

/** As the server gives it back. */
function stored(lease: WireLease, over: Record<string, unknown> = {}): WireLease {
  return { ...lease, metadata: { ...lease.metadata, resourceVersion: '41', uid: 'u-1', ...over } };
}

function edited(lease: WireLease, edit: (body: Record<string, unknown>) => void): WireLease {
  const body = JSON.parse(lease.metadata?.annotations?.[RECORD_ANNOTATION] ?? '');
  edit(body);
  return stored(lease, {
    annotations: { ...lease.metadata?.annotations, [RECORD_ANNOTATION]: JSON.stringify(body) },
  });
}

function malformed(lease: unknown): RecordMalformedError {
  try {
    decodeRecord(lease, PLACE);
  } catch (error) {
    if (error instanceof RecordMalformedError) return error;
    throw error;
  }
  throw new Error('it was read');
}

const fresh = (): WireLease => stored(encodeRecord(record(), PLACE, NOW, null));

describe('the cluster record as a Lease', () => {
  it('comes back as it was written', () => {
    expect(decodeRecord(fresh(), PLACE)).toEqual({ record: record(), resourceVersion: '41' });
  });

  describe('with a recovery in place', () => {
    const wish = {
      id: 'abcd0123',
      goal: { kind: 'time', value: '2026-03-04 05:06:07+00', exclusive: false },
      timeline: timelineId(3),
      backup: 'base_000000030000000000000002',
      by: memberName('pg-0'),
      at: '2026-03-04T05:06:07.089Z',
      pauses: true,
    } as const;
    const recovering = { ...beginRecovery(record(), wish), confirmed: 'before' };

    it('has no field of it where there is none', () => {
      const body = JSON.parse(fresh().metadata?.annotations?.[RECORD_ANNOTATION] ?? '') as object;
      expect(Object.keys(body)).not.toContain('recovery');
      expect(Object.keys(body)).not.toContain('confirmed');
    });

    it('comes back as it was written, and leaves nothing behind when it is over', () => {
      const lease = stored(encodeRecord(recovering, PLACE, NOW, fresh()));
      expect(decodeRecord(lease, PLACE).record).toEqual(recovering);
      const after = stored(encodeRecord(record(), PLACE, NOW, lease));
      expect(decodeRecord(after, PLACE).record).toEqual(record());
    });

    it('keeps where it stands', () => {
      const paused = { at: '2026-03-04T05:07:08.091Z', socketDirectory: '/tmp/pgwarden-recover-1' };
      const standing = { ...recovering, recovery: { ...recovering.recovery!, paused } };
      const lease = stored(encodeRecord(standing, PLACE, NOW, fresh()));
      expect(decodeRecord(lease, PLACE).record).toEqual(standing);
    });

    it('is read as one without a pause where an agent wrote it that knew none', () => {
      const lease = stored(encodeRecord(recovering, PLACE, NOW, fresh()));
      const { pauses: _, paused: __, ...before } = recovering.recovery!;
      const old = edited(lease, (body) => {
        body.recovery = before;
      });
      expect(decodeRecord(old, PLACE).record.recovery).toEqual({ ...before, pauses: false, paused: null });
    });

    it('is refused where it makes no sense, naming what', () => {
      const lease = stored(encodeRecord(recovering, PLACE, NOW, fresh()));
      const odd = edited(lease, (body) => {
        body.recovery = { ...recovering.recovery, state: 'dancing' };
      });
      expect(malformed(odd).message).toContain('recovery.state');
    });
  });

  it('keeps epoch, holder and duration where other tools look for them', () => {
    expect(fresh().spec).toEqual({
      holderIdentity: HOLDER,
      leaseTransitions: 7,
      leaseDurationSeconds: 10,
      acquireTime: '2026-03-04T05:06:07.089000Z',
      renewTime: '2026-03-04T05:06:07.089000Z',
    });
    expect(fresh().metadata?.labels).toEqual({
      'app.kubernetes.io/name': 'pgwarden',
      'app.kubernetes.io/managed-by': 'pgwarden',
      'pgwarden.dev/cluster': 'pg',
      'pgwarden.dev/kind': 'record',
    });
  });

  it('has no holder at all when it was released', () => {
    const released = encodeRecord(record({ holder: '' }), PLACE, NOW, fresh());
    expect(released.spec).not.toHaveProperty('holderIdentity');
    expect(released.spec).not.toHaveProperty('acquireTime');
    expect(decodeRecord(stored(released), PLACE).record.holder).toBe('');
  });

  it('keeps a duration of fractions of a second exactly', () => {
    const short = stored(encodeRecord(record({ leaseDuration: millis(1_500) }), PLACE, NOW, null));
    expect(short.spec?.leaseDurationSeconds).toBe(2);
    expect(decodeRecord(short, PLACE).record.leaseDuration).toBe(1_500);
  });

  it('keeps the time of acquiring over renewals, and not over a new epoch', () => {
    const later = new Date(NOW.getTime() + 5_000);
    expect(encodeRecord(record(), PLACE, later, fresh()).spec?.acquireTime).toBe(fresh().spec?.acquireTime);
    const next = encodeRecord(record({ epoch: epoch(8) }), PLACE, later, fresh());
    expect(next.spec?.acquireTime).toBe(next.spec?.renewTime);
  });

  it('differs from the renewal before it within the same millisecond', () => {
    expect(encodeRecord(record(), PLACE, NOW, fresh()).spec?.renewTime).toBe('2026-03-04T05:06:07.089001Z');
  });

  it('preserves what others keep in the Lease', () => {
    const base = stored(fresh(), {
      labels: { ...fresh().metadata?.labels, team: 'data' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'StatefulSet', name: 'pg', uid: 'o' }],
      annotations: { ...fresh().metadata?.annotations, note: 'keep' },
      managedFields: [{ manager: 'kubectl' }],
    });
    const next = encodeRecord(record(), PLACE, NOW, { ...base, spec: { ...base.spec, strategy: 'x' } });
    expect(next.metadata?.labels?.team).toBe('data');
    expect(next.metadata?.annotations?.note).toBe('keep');
    expect(next.metadata?.ownerReferences).toHaveLength(1);
    expect(next.metadata).toMatchObject({ resourceVersion: '41', uid: 'u-1' });
    expect(next.metadata).not.toHaveProperty('managedFields');
    expect(next.spec?.strategy).toBe('x');
  });

  it('preserves fields of the annotation that a newer agent wrote', () => {
    const newer = edited(fresh(), (body) => {
      body.somethingNew = { a: 1 };
    });
    expect(decodeRecord(newer, PLACE).record).toEqual(record());
    const next = encodeRecord(record(), PLACE, NOW, newer);
    expect(JSON.parse(next.metadata?.annotations?.[RECORD_ANNOTATION] ?? '').somethingNew).toEqual({ a: 1 });
  });

  it.each([
    ['settled.acks', (body: Record<string, unknown>) => Object.assign(body.settled as object, { acks: '1' })],
    [
      'settled.cohort[0]',
      (body: Record<string, unknown>) => Object.assign(body.settled as object, { cohort: [''] }),
    ],
    ['flushLsn', (body: Record<string, unknown>) => Object.assign(body, { flushLsn: 'x/y' })],
    ['paused', (body: Record<string, unknown>) => delete body.paused],
    ['timeline', (body: Record<string, unknown>) => Object.assign(body, { timeline: 1.5 })],
    [
      'ending.cause',
      (body: Record<string, unknown>) => Object.assign(body.ending as object, { cause: 'fun' }),
    ],
    [
      'history[0].primary',
      (body: Record<string, unknown>) => Object.assign(body, { history: [{ epoch: 1, timeline: 1 }] }),
    ],
    ['leaseDurationMs', (body: Record<string, unknown>) => Object.assign(body, { leaseDurationMs: 0 })],
  ])('names %s when that is what is wrong', (path, edit) => {
    const error = malformed(edited(fresh(), edit));
    expect(error.path).toBe(`annotation ${RECORD_ANNOTATION}: ${path}`);
    expect(error.resourceVersion).toBe('41');
    expect(error.message).toContain('expected');
    expect(error.remedy).toContain('kubectl');
  });

  it('reads what an agent wrote that did not count revisions yet', () => {
    const old = edited(fresh(), (body) => {
      delete body.revision;
    });
    expect(decodeRecord(old, PLACE).record.revision).toBe(0);
  });

  it('refuses an annotation that is missing, not JSON, or of another format', () => {
    expect(malformed(stored(fresh(), { annotations: {} })).message).toContain('missing');
    expect(malformed(stored(fresh(), { annotations: { [RECORD_ANNOTATION]: '{' } })).message).toContain(
      'not JSON',
    );
    const newer = edited(fresh(), (body) => {
      body.format = 2;
    });
    // Of a later version: nothing that a repair may write over.
    expect(() => decodeRecord(newer, PLACE)).toThrow(RecordFormatError);
    const none = edited(fresh(), (body) => {
      body.format = 'x';
    });
    expect(malformed(none).message).toContain('format "x" is not the format 1');
  });

  it('refuses a spec that was edited behind its back', () => {
    const lease = fresh();
    const error = malformed({ ...lease, spec: { ...lease.spec, leaseDurationSeconds: 60 } });
    expect(error.path).toBe('spec.leaseDurationSeconds');
    expect(malformed({ ...lease, spec: { ...lease.spec, leaseTransitions: undefined } }).path).toBe(
      'spec.leaseTransitions',
    );
    expect(malformed({ ...lease, spec: undefined }).path).toBe('spec');
  });

  it.each([null, 42, 'text', [], {}, { metadata: 7 }])('never crashes on %j', (value) => {
    expect(() => decodeRecord(value, PLACE)).toThrow(RecordMalformedError);
  });

  it("refuses another cluster's Lease and one of something else", () => {
    expect(() => decodeRecord(fresh(), { ...PLACE, cluster: 'other' })).toThrow(LeaseForeignError);
    expect(() => decodeRecord(stored(encodeMember(member(), PLACE, NOW, null)), PLACE)).toThrow(
      LeaseForeignError,
    );
    const elector = { metadata: { name: 'pg', resourceVersion: '1' }, spec: { holderIdentity: 'patroni' } };
    expect(() => decodeRecord(elector, PLACE)).toThrow(LeaseForeignError);
  });

  it('reads a record whose labels somebody removed, and puts them back', () => {
    const bare = stored(fresh(), { labels: undefined });
    expect(decodeRecord(bare, PLACE).record).toEqual(record());
    expect(encodeRecord(record(), PLACE, NOW, bare).metadata?.labels?.['pgwarden.dev/cluster']).toBe('pg');
  });
});

describe('a member record as a Lease', () => {
  const lease = (): WireLease => stored(encodeMember(member(), PLACE, NOW, null));

  it('comes back as it was written', () => {
    expect(decodeMember(lease(), PLACE)).toEqual(member());
    expect(lease().metadata?.name).toBe('pg-pg-1');
    expect(lease().spec?.holderIdentity).toBe('pg-1');
  });

  it('keeps an empty member apart from an unknown one', () => {
    const empty = member({ incarnation: null, floor: null, systemIdentifier: '' });
    expect(decodeMember(stored(encodeMember(empty, PLACE, NOW, null)), PLACE)).toEqual(empty);
  });

  it('is refused under the name of another member', () => {
    expect(() => decodeMember(stored(lease(), { name: 'pg-pg-2' }), PLACE)).toThrow(LeaseForeignError);
  });

  it('is told from the record by its name', () => {
    expect(memberOfLease('pg', 'pg-pg-1')).toBe(memberName('pg-1'));
    expect(memberOfLease('pg', 'pg')).toBeNull();
    expect(memberOfLease('pg', 'other-pg-1')).toBeNull();
  });
});
