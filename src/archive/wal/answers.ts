import { ArchiveError } from '../errors.ts';
import type { WalFetcher } from './fetcher.ts';
import { walFileKind } from './names.ts';
import type { PushAnswer } from './pusher.ts';

/** What ask-agent.pl is told: it exits by the status and the header, and prints the text. */
export interface WalAnswer {
  /** 202: it is still tried, and to be asked for again. */
  readonly status: 200 | 202 | 400 | 404 | 410 | 503;
  readonly text: string;
  /** The archive itself says that it has no such file; a 404 without it is a fault. */
  readonly absent?: true;
}

/** The headers of an answer. */
export function headersOf({ absent }: WalAnswer): Readonly<Record<string, string>> {
  return {
    'content-type': 'text/plain; charset=utf-8',
    ...(absent === true ? { 'x-pgwarden-wal': 'absent' } : {}),
  };
}

export async function answerPush(
  file: string,
  push: (file: string) => Promise<PushAnswer>,
): Promise<WalAnswer> {
  if (walFileKind(file) === null) return notWal(file);
  const answer = await push(file);
  if (answer.done) return { status: 200, text: 'archived' };
  return { status: answer.giveUp === true ? 410 : 503, text: answer.message };
}

export async function answerFetch(
  file: string,
  fetcher: WalFetcher,
  signal: AbortSignal,
): Promise<WalAnswer> {
  if (walFileKind(file) === null) return notWal(file);
  try {
    return (await fetcher.fetch(file, signal))
      ? { status: 200, text: 'fetched' }
      : { status: 404, text: `the archive has no ${file}`, absent: true };
  } catch (error) {
    const text = error instanceof ArchiveError ? `${error.message}; ${error.remedy}` : String(error);
    return { status: 503, text };
  }
}

function notWal(file: string): WalAnswer {
  return { status: 400, text: `${JSON.stringify(file)} is no name of a file of WAL` };
}
