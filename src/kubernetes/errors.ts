/** Base of every error of this folder: `code` is stable, `remedy` says what a person should do. */
export abstract class KubernetesError extends Error {
  abstract readonly code: string;
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.remedy = remedy;
  }
}

/** The server, token or certificates are missing or unusable; found before any call is made. */
export class EndpointConfigurationError extends KubernetesError {
  readonly code = 'API_CONFIGURATION';
}

/** No connection, or it broke before the whole answer was there: the call may or may not have taken effect. */
export class ApiUnreachableError extends KubernetesError {
  readonly code = 'API_UNREACHABLE';

  constructor(what: string, cause: Error) {
    super(
      `${what}: the Kubernetes API is unreachable: ${cause.message}`,
      'Check that the API server runs and that a NetworkPolicy or firewall lets this pod reach it.',
      { cause },
    );
  }
}

/** The whole answer was not there in time: the call may or may not have taken effect. */
export class ApiDeadlineError extends KubernetesError {
  readonly code = 'API_DEADLINE';

  constructor(what: string, milliseconds: number) {
    super(
      `${what}: no complete answer of the Kubernetes API within ${Math.round(milliseconds)} ms`,
      'Check the load and the latency of the API server and of its etcd.',
    );
  }
}

/** The caller ended the call. */
export class ApiAbortedError extends KubernetesError {
  readonly code = 'API_ABORTED';

  constructor(what: string) {
    super(`${what}: given up by the caller`, 'Nothing needs to be done.');
  }
}

/** An answer that is no well-formed Kubernetes answer: cut, too large, or not JSON. */
export class ApiAnswerError extends KubernetesError {
  readonly code = 'API_ANSWER';

  constructor(what: string, problem: string, options?: ErrorOptions) {
    super(
      `${what}: ${problem}`,
      'Check that the address is that of a Kubernetes API server, without a proxy that alters its answers.',
      options,
    );
  }
}

/** What a Kubernetes Status object says of a failure. */
export interface StatusDetails {
  readonly status: number;
  /** Machine-readable, e.g. `Conflict`; empty where the answer was no Status object. */
  readonly reason: string;
  readonly message: string;
  /** `details.name` and `details.kind` of the Status: which object it speaks of. */
  readonly name: string;
  readonly kind: string;
  /** Seconds of the Retry-After header or of `details.retryAfterSeconds`; null: not said. */
  readonly retryAfterSeconds: number | null;
}

/** The API answered with an error status. */
export class ApiStatusError extends KubernetesError {
  readonly code: string = 'API_STATUS';
  readonly details: StatusDetails;

  constructor(what: string, details: StatusDetails, remedy?: string) {
    super(
      `${what}: the Kubernetes API answered ${details.status}${details.reason && ` ${details.reason}`}: ${details.message}`,
      remedy ?? 'See the message; the log of the API server may tell more.',
    );
    this.details = details;
  }

  get status(): number {
    return this.details.status;
  }
}

/** 401: the token or certificate is not accepted. */
export class ApiUnauthorizedError extends ApiStatusError {
  override readonly code = 'API_UNAUTHORIZED';

  constructor(what: string, details: StatusDetails) {
    super(
      what,
      details,
      'Check that the service account token is mounted and not expired (automountServiceAccountToken), or the user of the kubeconfig.',
    );
  }
}

/** 403: authenticated, but an RBAC rule is missing. */
export class ApiForbiddenError extends ApiStatusError {
  override readonly code = 'API_FORBIDDEN';

  constructor(what: string, details: StatusDetails, rule: { group: string; resource: string; verb: string }) {
    super(
      what,
      details,
      `Grant the Role of this pod's service account the rule {apiGroups: ["${rule.group}"], resources: ["${rule.resource}"], verbs: ["${rule.verb}"]}.`,
    );
  }
}

/** A Lease that cannot be read as a record: nothing of it is used. */
export class RecordMalformedError extends KubernetesError {
  readonly code = 'RECORD_MALFORMED';
  readonly lease: string;
  /** Where in the Lease, e.g. `annotation pgwarden.dev/record: settled.acks`. */
  readonly path: string;
  /** What a repair by compare-and-swap must name; empty where even that is missing. */
  readonly resourceVersion: string;

  constructor(lease: string, path: string, problem: string, resourceVersion: string, options?: ErrorOptions) {
    super(
      `Lease ${lease} cannot be read: ${path}: ${problem}`,
      `Undo the last manual change: kubectl get lease ${lease} -o yaml shows it.`,
      options,
    );
    this.lease = lease;
    this.path = path;
    this.resourceVersion = resourceVersion;
  }
}

/** A Lease in the format of another version of pgwarden: nothing of it is used, and it is not written over. */
export class RecordFormatError extends KubernetesError {
  readonly code = 'RECORD_FORMAT';

  constructor(lease: string, format: number, known: number) {
    super(
      `Lease ${lease} has format ${format}, and this version of pgwarden reads format ${known}`,
      'Bring this member to the version that the others have.',
    );
  }
}

/** A Lease of that name belongs to something else, or to another cluster. */
export class LeaseForeignError extends KubernetesError {
  readonly code = 'LEASE_FOREIGN';

  constructor(lease: string, problem: string) {
    super(
      `Lease ${lease} is not one of this cluster: ${problem}`,
      'Give this cluster a name that no other Lease of the namespace has.',
    );
  }
}
