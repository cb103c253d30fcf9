import type { ArchiveOverview } from '../../archive/catalog/overview.ts';
import type { HistoryEntry } from '../../ha/record.ts';
import type { JobReport } from '../../http/catalog-report.ts';
import type { ClusterMember, ClusterStatus, MemberStatus } from '../../http/ports.ts';
import { RefusedError, UnreachableError } from '../errors.ts';
import { type Endpoint, nameOf } from './endpoint.ts';
import { BadAnswerError } from './errors.ts';
import { withOwnWord } from './own-word.ts';
import { type Answer, type Call, request } from './request.ts';

const READ_TIMEOUT_MILLIS = 5000;
/** One member of several: a frozen one must not hold the others' answers up for long. */
const MEMBER_TIMEOUT_MILLIS = 1500;
/** A bucket of ten thousand segments is listed, and a segment or two are read. */
const ARCHIVE_TIMEOUT_MILLIS = 120_000;
/** A changing call is recorded in the Kubernetes API before it is answered. */
const CHANGE_TIMEOUT_MILLIS = 30_000;

/**
 * Talks to a cluster through any of its agents. The first that answers is kept; when it goes away (it may be
 * the one that is restarted), the next is asked. Reads also fall over to the members that an answer of
 * `/v1/cluster` named.
 */
export class ClusterClient {
  readonly #given: readonly Endpoint[];
  #learned: readonly Endpoint[] = [];
  #preferred: Endpoint | null = null;

  constructor(endpoints: readonly Endpoint[]) {
    this.#given = endpoints;
  }

  /** The member that answers: its own view of itself. */
  async status(signal?: AbortSignal): Promise<MemberStatus> {
    return (await this.#read('/v1/status', signal)) as MemberStatus;
  }

  /** What one member says of itself; null where it cannot be asked from here. */
  async statusOf(member: ClusterMember, signal?: AbortSignal): Promise<MemberStatus | null> {
    return (await this.#readOf(member, '/v1/status', signal)) as MemberStatus | null;
  }

  async #readOf(member: ClusterMember, path: string, signal?: AbortSignal): Promise<unknown> {
    const url = URL.parse(member.http);
    const own = this.#given.find((endpoint) => endpoint.kind === 'socket' && endpoint.member === member.name);
    const endpoint = own ?? (url === null ? null : this.#byUrl(url));
    if (endpoint === null) return null;
    try {
      const answer = await request(endpoint, { method: 'GET', path }, MEMBER_TIMEOUT_MILLIS, signal);
      return accept(endpoint, answer).body;
    } catch {
      signal?.throwIfAborted();
      return null;
    }
  }

  async cluster(signal?: AbortSignal): Promise<ClusterStatus> {
    const cluster = (await this.#read('/v1/cluster', signal)) as ClusterStatus;
    this.#learn(cluster);
    return cluster;
  }

  /** As `cluster`, with each member that can be asked from here in its own words. */
  async clusterFirstHand(signal?: AbortSignal): Promise<ClusterStatus> {
    const cluster = await this.cluster(signal);
    const members = cluster.members.map(async (member) =>
      withOwnWord(member, await this.statusOf(member, signal)),
    );
    return { ...cluster, members: await Promise.all(members) };
  }

  /** What the archive holds, as an agent reads it: that takes as long as its store. */
  async overview(signal?: AbortSignal): Promise<ArchiveOverview> {
    const call = { method: 'GET', path: '/v1/backups' } as const;
    const places = [...this.#given, ...this.#learned];
    return (await this.#ask(places, call, ARCHIVE_TIMEOUT_MILLIS, () => true, signal))
      .body as ArchiveOverview;
  }

  /** The jobs of one member; null where it cannot be asked from here. */
  async jobsOf(member: ClusterMember, signal?: AbortSignal): Promise<readonly JobReport[] | null> {
    return (await this.#readOf(member, '/v1/jobs', signal)) as readonly JobReport[] | null;
  }

  async history(signal?: AbortSignal): Promise<readonly HistoryEntry[]> {
    return (await this.#read('/v1/history', signal)) as readonly HistoryEntry[];
  }

  /**
   * A changing call; resolves with the agent's sentence once the wish is recorded. Only an agent that could not
   * be connected to is passed over: after a lost answer the wish may be recorded already.
   */
  async change(call: Call, signal?: AbortSignal): Promise<string> {
    const { message } = await this.changeFor<{ message?: unknown }>(call, signal);
    return typeof message === 'string' ? message : 'accepted';
  }

  /** As `change`, with the whole answer. */
  async changeFor<Body extends object>(call: Call, signal?: AbortSignal): Promise<Body> {
    const answer = await this.#ask(this.#given, call, CHANGE_TIMEOUT_MILLIS, neverConnected, signal);
    return (answer.body ?? {}) as Body;
  }

  async #read(path: string, signal: AbortSignal | undefined): Promise<unknown> {
    const places = [...this.#given, ...this.#learned];
    return (await this.#ask(places, { method: 'GET', path }, READ_TIMEOUT_MILLIS, () => true, signal)).body;
  }

  async #ask(
    places: readonly Endpoint[],
    call: Call,
    timeout: number,
    passOver: (error: unknown) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const preferred = this.#preferred;
    const ordered =
      preferred !== null && places.includes(preferred)
        ? [preferred, ...places.filter((place) => place !== preferred)]
        : places;
    const tried: { where: string; why: string }[] = [];
    let last: unknown;
    for (const endpoint of ordered) {
      signal?.throwIfAborted();
      try {
        const answer = await request(endpoint, call, timeout, signal);
        this.#preferred = endpoint;
        return accept(endpoint, answer);
      } catch (error) {
        if (error instanceof RefusedError) throw error;
        if (error instanceof BadAnswerError && ordered.length === 1) throw error;
        signal?.throwIfAborted();
        last = error;
        tried.push({ where: nameOf(endpoint), why: reason(error) });
        if (!passOver(error)) break;
      }
    }
    throw new UnreachableError(tried, last);
  }

  #learn(cluster: ClusterStatus): void {
    this.#learned = cluster.members.flatMap((member) => {
      const url = URL.parse(member.http);
      return url === null ? [] : [this.#byUrl(url)];
    });
  }

  /** A place that an agent named: it is read only, so it is never shown the token. */
  #byUrl(url: URL): Endpoint {
    const given = this.#given.find((endpoint) => endpoint.kind === 'url');
    return { kind: 'url', url, token: null, ca: given?.kind === 'url' ? given.ca : null };
  }
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
]);

function neverConnected(error: unknown): boolean {
  return NEVER_CONNECTED.has((error as NodeJS.ErrnoException).code ?? '');
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOENT':
      return 'no such socket';
    case 'EACCES':
      return 'no permission: use the user of the agent, or root';
    default:
      return message;
  }
}

function accept(endpoint: Endpoint, answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  const refusal = (answer.body as { error?: Record<string, unknown> } | null)?.error;
  if (typeof refusal?.code !== 'string' || typeof refusal.message !== 'string') {
    throw new BadAnswerError(endpoint, `status ${answer.status}`);
  }
  throw new RefusedError(answer.status, {
    code: refusal.code,
    message: refusal.message,
    remedy: typeof refusal.remedy === 'string' ? refusal.remedy : 'look at the log of the agent',
  });
}
