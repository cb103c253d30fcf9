import type { MemberName } from '../ha/member.ts';
import { LeaseForeignError, RecordFormatError, RecordMalformedError } from './errors.ts';
import { isObject, property, textProperty, type WireLease, type WireMeta } from './wire.ts';

/** The one annotation that carries what a Lease's own spec has no field for. */
export const RECORD_ANNOTATION = 'pgwarden.dev/record';
export const CLUSTER_LABEL = 'pgwarden.dev/cluster';
export const KIND_LABEL = 'pgwarden.dev/kind';

/** Raised when an older agent could misread what a newer one wrote. New optional fields need no new format. */
const FORMAT = 1;

type Kind = 'record' | 'member';

/** Where a Lease lives. */
export interface LeasePlace {
  readonly namespace: string;
  readonly cluster: string;
  /** Labels that every Lease carries besides our own. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The name of a member's Lease. */
export function memberLeaseName(cluster: string, member: MemberName): string {
  return `${cluster}-${member}`;
}

/** Which member a Lease of this name belongs to; null: it is the cluster record's, or none of this cluster's. */
export function memberOfLease(cluster: string, leaseName: string): MemberName | null {
  const prefix = `${cluster}-`;
  return leaseName.startsWith(prefix) && leaseName.length > prefix.length
    ? (leaseName.slice(prefix.length) as MemberName)
    : null;
}

/** The metadata of a Lease of ours: our labels and annotation over whatever `base` has. */
export function encodeMeta(
  place: LeasePlace,
  name: string,
  kind: Kind,
  body: object,
  base: WireLease | null,
): WireMeta {
  // Without managedFields the server keeps the ones it has.
  const { managedFields: _, ...kept } = base?.metadata ?? {};
  return {
    ...kept,
    name,
    namespace: place.namespace,
    labels: {
      ...kept.labels,
      ...place.labels,
      'app.kubernetes.io/name': 'pgwarden',
      'app.kubernetes.io/managed-by': 'pgwarden',
      [CLUSTER_LABEL]: place.cluster,
      [KIND_LABEL]: kind,
    },
    annotations: {
      ...kept.annotations,
      [RECORD_ANNOTATION]: JSON.stringify({
        ...annotationOf(kept.annotations?.[RECORD_ANNOTATION]),
        format: FORMAT,
        ...body,
      }),
    },
  };
}

/** What the annotation said before, for the fields of a newer agent; nothing where it was broken. */
function annotationOf(value: string | undefined): object {
  try {
    const parsed: unknown = JSON.parse(value ?? '{}');
    return isObject(parsed) ? parsed : {};
  } catch {
    // A repair overwrites what cannot be read.
    return {};
  }
}

/** The name and version of a Lease of this cluster and kind. Throws LeaseForeignError, RecordMalformedError. */
export function openEnvelope(
  lease: unknown,
  place: LeasePlace,
  kind: Kind,
): { readonly name: string; readonly resourceVersion: string } {
  const name = textProperty(lease, 'metadata', 'name');
  const resourceVersion = textProperty(lease, 'metadata', 'resourceVersion');
  const labels = property(lease, 'metadata', 'labels');
  const cluster = textProperty(labels, CLUSTER_LABEL);
  // Missing labels are tolerated (the next write puts them back); labels that name something else are not.
  if (cluster !== '' && cluster !== place.cluster) {
    throw new LeaseForeignError(name, `its label ${CLUSTER_LABEL} says ${cluster}`);
  }
  const labelled = textProperty(labels, KIND_LABEL);
  if (labelled !== '' && labelled !== kind) {
    throw new LeaseForeignError(name, `its label ${KIND_LABEL} says ${labelled}, not ${kind}`);
  }
  if (resourceVersion === '') {
    throw new RecordMalformedError(name, 'metadata.resourceVersion', 'missing', '');
  }
  return { name, resourceVersion };
}

/** What the annotation says, as JSON of the format that this version reads. Throws like `openEnvelope`. */
export function openAnnotation(lease: unknown, name: string, resourceVersion: string): unknown {
  const path = `annotation ${RECORD_ANNOTATION}`;
  const raw = property(lease, 'metadata', 'annotations', RECORD_ANNOTATION);
  if (raw === undefined && textProperty(lease, 'metadata', 'labels', CLUSTER_LABEL) === '') {
    throw new LeaseForeignError(name, 'it carries neither the record nor the labels of pgwarden');
  }
  if (typeof raw !== 'string') {
    throw new RecordMalformedError(name, path, 'missing', resourceVersion);
  }
  let body: unknown;
  try {
    body = JSON.parse(raw);
  } catch (cause) {
    throw new RecordMalformedError(name, path, 'not JSON', resourceVersion, { cause });
  }
  const format = property(body, 'format');
  if (typeof format === 'number' && format > FORMAT) throw new RecordFormatError(name, format, FORMAT);
  if (format !== FORMAT) {
    const problem = `format ${JSON.stringify(format)} is not the format ${FORMAT} that this version reads`;
    throw new RecordMalformedError(name, path, problem, resourceVersion);
  }
  return body;
}
