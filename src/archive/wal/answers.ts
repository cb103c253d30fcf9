import { ArchiveError } from '../errors.ts';
import type { WalFetcher } from './fetcher.ts';
import { walFileKind } from './names.ts';
import type { PushAnswer } from './pusher.ts';

/** What ask-agent.pl is told: it exits by the status, and prints the text. */
export interface WalAnswer {
  readonly status: 200 | 400 | 404 | 410 | 503;
  readonly text: string;
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
      : { status: 404, text: `the archive has no ${file}` };
  } catch (error) {
    const text = error instanceof ArchiveError ? `${error.message}; ${error.remedy}` : String(error);
    return { status: 503, text };
  }
}

function notWal(file: string): WalAnswer {
  return { status: 400, text: `${JSON.stringify(file)} is no name of a file of WAL` };
}
