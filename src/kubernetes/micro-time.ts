/**
 * The wall clock as a Kubernetes MicroTime (RFC 3339 with exactly six digits), different from `previous`.
 * An update that changes nothing gets no new resourceVersion, so two renewals of one millisecond must differ.
 */
export function microTime(now: Date, previous?: string): string {
  const stamp = (micros: number): string =>
    now.toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
  return stamp(0) === previous ? stamp(1) : stamp(0);
}
