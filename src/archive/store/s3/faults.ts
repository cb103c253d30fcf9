import {
  ArchiveError,
  ArchiveSettingsError,
  ClockSkewError,
  StoreCredentialsError,
  StoreFaultError,
  StoreFullError,
  StoreMissingError,
  StoreUnreachableError,
} from '../../errors.ts';
import { interruption } from '../interruption.ts';

/** The codes that S3 and its kin answer with, by what a person would do about it. */
const KINDS: Readonly<
  Record<string, 'clock' | 'credentials' | 'full' | 'missing' | 'region' | 'unreachable'>
> = {
  RequestTimeTooSkewed: 'clock',
  RequestExpired: 'clock',
  InvalidAccessKeyId: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  AccessDenied: 'credentials',
  AccessDeniedException: 'credentials',
  AccountProblem: 'credentials',
  AllAccessDisabled: 'credentials',
  ExpiredToken: 'credentials',
  ExpiredTokenException: 'credentials',
  InvalidToken: 'credentials',
  InvalidIdentityToken: 'credentials',
  Forbidden: 'credentials',
  Unauthorized: 'credentials',
  InvalidSecurity: 'credentials',
  XAdminUserNotFound: 'credentials',
  CredentialsProviderError: 'credentials',
  TokenProviderError: 'credentials',
  KMSAccessDeniedException: 'credentials',
  QuotaExceeded: 'full',
  QuotaExceededException: 'full',
  InsufficientStorage: 'full',
  InsufficientCapacity: 'full',
  XMinioStorageFull: 'full',
  XMinioAdminBucketQuotaExceeded: 'full',
  NoSuchBucket: 'missing',
  PermanentRedirect: 'region',
  AuthorizationHeaderMalformed: 'region',
  IllegalLocationConstraintException: 'region',
  SlowDown: 'unreachable',
  ServiceUnavailable: 'unreachable',
  InternalError: 'unreachable',
  RequestTimeout: 'unreachable',
  Throttling: 'unreachable',
  ThrottlingException: 'unreachable',
  TooManyRequestsException: 'unreachable',
  TimeoutError: 'unreachable',
};

const NETWORK = /^(E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_)|ENOTFOUND$|UND_ERR_)/;
const TLS = /CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_SSL/;
const TLS_REMEDY =
  'Give archive.s3.caFile the certificates that sign that of the endpoint, or correct the endpoint.';
const REGION_REMEDY = 'Give archive.s3.region the region of the bucket.';

/** What an error of the SDK has, as far as it has it. */
interface SdkError {
  readonly name?: string;
  readonly code?: string;
  readonly Code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The status of the answer that an error was made of; null: there was none. */
export function statusOf(error: unknown): number | null {
  return (error as SdkError | null)?.$metadata?.httpStatusCode ?? null;
}

/** The code of the answer (or of the system call). */
export function nameOf(error: unknown): string {
  const { name, Code, code } = (error ?? {}) as SdkError;
  return Code ?? (name === undefined || name === 'Error' || name === 'UnknownError' ? (code ?? '') : name);
}

/** Errors of the SDK and of the network in the terms of the archive. */
export function s3Fault(store: string, error: unknown): ArchiveError {
  if (error instanceof ArchiveError) return error;
  if (error instanceof DOMException) return interruption(store, error);
  const name = nameOf(error);
  if (name === 'AbortError') return interruption(store, new DOMException('aborted', 'AbortError'));
  const status = statusOf(error);
  const code = (error as SdkError)?.code ?? '';
  const why = describe(error, name, status);
  if (TLS.test(code) || TLS.test(name))
    return new ArchiveSettingsError(`the certificate of ${store} is not trusted: ${why}`, TLS_REMEDY, error);
  if (/region is missing/i.test(why))
    return new ArchiveSettingsError(`the region of ${store} is not known`, REGION_REMEDY, error);
  switch (KINDS[name] ?? kindOfStatus(status)) {
    case 'clock':
      return new ClockSkewError(store, why, error);
    case 'credentials':
      return new StoreCredentialsError(store, why, error);
    case 'full':
      return new StoreFullError(store, why, error);
    case 'missing':
      return new StoreMissingError(store, why, error);
    case 'region':
      return new ArchiveSettingsError(`${store} is in another region: ${why}`, REGION_REMEDY, error);
    case 'unreachable':
      return new StoreUnreachableError(store, why, error);
    case undefined:
      return NETWORK.test(code) || NETWORK.test(name) || /socket hang up|aborted|premature/i.test(why)
        ? new StoreUnreachableError(store, why, error)
        : new StoreFaultError(store, why, error);
  }
}

function kindOfStatus(status: number | null): 'credentials' | 'full' | 'region' | 'unreachable' | undefined {
  if (status === 401 || status === 403) return 'credentials';
  if (status === 301) return 'region';
  if (status === 507) return 'full';
  if (status === 408 || status === 429 || (status !== null && status >= 500)) return 'unreachable';
  return undefined;
}

/** One line; an error page of a proxy is not told at length. */
function describe(error: unknown, name: string, status: number | null): string {
  const message = (error instanceof Error ? error.message : String(error))
    .replaceAll(/\s+/g, ' ')
    .slice(0, 200);
  const inner =
    error instanceof AggregateError ? ((error.errors[0] as Error | undefined)?.message ?? '') : '';
  const said = [name, message === name ? '' : message || inner].filter((part) => part !== '').join(': ');
  return status === null ? said : `${said || 'no reason given'} (status ${status})`;
}
