import type { ClusterRecord, MemberRecord, VersionedRecord } from '../ha/record.ts';
import { type Epoch, millis } from '../ha/units.ts';
import { type Decoder, FieldError, integer, shape } from './decode.ts';
import { LeaseForeignError, RecordMalformedError } from './errors.ts';
import {
  encodeMeta,
  type LeasePlace,
  memberLeaseName,
  openAnnotation,
  openEnvelope,
  RECORD_ANNOTATION,
} from './lease-envelope.ts';
import { microTime } from './micro-time.ts';
import { memberBody, recordBody } from './record-shape.ts';
import { property, type WireLease } from './wire.ts';

/** What is not in the record is not to stay in the annotation: these fields are ours, and no newer agent's. */
const NO_RECOVERY = { recovery: undefined, confirmed: undefined };

/**
 * The cluster record as a Lease. Whatever others keep in `base` (labels, owners, spec fields, fields of a newer
 * agent in the annotation) stays; its resourceVersion and uid, both, make the update a compare-and-swap.
 */
export function encodeRecord(
  record: ClusterRecord,
  place: LeasePlace,
  now: Date,
  base: WireLease | null,
): WireLease {
  const { epoch, holder, leaseDuration, ...body } = record;
  const {
    holderIdentity: previousHolder,
    acquireTime,
    renewTime: previousRenewal,
    ...others
  } = base?.spec ?? {};
  const renewTime = microTime(now, previousRenewal);
  const sameTerm = previousHolder === holder && base?.spec?.leaseTransitions === epoch;
  // `holderIdentity` and `acquireTime` are left out when nobody holds it: an empty identity is not a valid one
  // for every version of the API.
  const held =
    holder === ''
      ? {}
      : {
          holderIdentity: holder,
          acquireTime: sameTerm && acquireTime !== undefined ? acquireTime : renewTime,
        };
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: encodeMeta(
      place,
      place.cluster,
      'record',
      { ...NO_RECOVERY, ...body, leaseDurationMs: leaseDuration },
      base,
    ),
    spec: {
      ...others,
      ...held,
      leaseDurationSeconds: Math.max(1, Math.ceil(leaseDuration / 1000)),
      leaseTransitions: epoch,
      renewTime,
    },
  };
}

/** A member record as a Lease; `base` as in `encodeRecord`. */
export function encodeMember(
  record: MemberRecord,
  place: LeasePlace,
  now: Date,
  base: WireLease | null,
): WireLease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: encodeMeta(place, memberLeaseName(place.cluster, record.member), 'member', record, base),
    spec: {
      ...base?.spec,
      holderIdentity: record.member,
      renewTime: microTime(now, base?.spec?.renewTime),
    },
  };
}

const recordSpec = shape<{ leaseTransitions: number; leaseDurationSeconds: number }>({
  leaseTransitions: integer(0, 2 ** 31 - 1),
  leaseDurationSeconds: integer(1, 2 ** 31 - 1),
});

/** The duration is exact in the annotation and rounded up in the spec; an edit of the spec alone is an error. */
const duration = shape<{ leaseDurationMs: number }>({ leaseDurationMs: integer(1) });

/** The cluster record in a Lease. Throws RecordMalformedError or LeaseForeignError. */
export function decodeRecord(lease: unknown, place: LeasePlace): VersionedRecord {
  const { name, resourceVersion } = openEnvelope(lease, place, 'record');
  const body = openAnnotation(lease, name, resourceVersion);
  const spec = property(lease, 'spec');
  const { leaseTransitions, leaseDurationSeconds } = decoded(recordSpec, spec, 'spec', name, resourceVersion);
  const { leaseDurationMs } = decoded(duration, body, '', name, resourceVersion);
  if (Math.max(1, Math.ceil(leaseDurationMs / 1000)) !== leaseDurationSeconds) {
    throw new RecordMalformedError(
      name,
      'spec.leaseDurationSeconds',
      `${leaseDurationSeconds} s does not match the ${leaseDurationMs} ms of the annotation`,
      resourceVersion,
    );
  }
  const holder = property(spec, 'holderIdentity') ?? '';
  if (typeof holder !== 'string') {
    throw new RecordMalformedError(name, 'spec.holderIdentity', 'not a text', resourceVersion);
  }
  return {
    record: {
      ...decoded(recordBody, body, '', name, resourceVersion),
      epoch: leaseTransitions as Epoch,
      holder,
      leaseDuration: millis(leaseDurationMs),
    },
    resourceVersion,
  };
}

/** The member record in a Lease. Throws RecordMalformedError or LeaseForeignError. */
export function decodeMember(lease: unknown, place: LeasePlace): MemberRecord {
  const { name, resourceVersion } = openEnvelope(lease, place, 'member');
  const record = decoded(memberBody, openAnnotation(lease, name, resourceVersion), '', name, resourceVersion);
  if (memberLeaseName(place.cluster, record.member) !== name) {
    throw new LeaseForeignError(name, `it speaks of the member ${record.member}`);
  }
  return record;
}

function decoded<T>(
  decoder: Decoder<T>,
  value: unknown,
  path: string,
  name: string,
  resourceVersion: string,
): T {
  try {
    return decoder(value, path);
  } catch (cause) {
    if (!(cause instanceof FieldError)) throw cause;
    const where = path === '' ? `annotation ${RECORD_ANNOTATION}: ${cause.path}` : cause.path;
    throw new RecordMalformedError(name, where, cause.message, resourceVersion, { cause });
  }
}
