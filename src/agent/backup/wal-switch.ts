import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Primary } from '../../archive/backup/primary.ts';
import { isLsn, type Lsn } from '../../ha/lsn.ts';
import type { Refused } from '../../http/routes-backup.ts';
import { Session, type SessionTarget } from '../../postgres/sql/session.ts';
import { failureOf, PrimaryUnavailableError } from './errors.ts';

/** An answer comes before the server takes the connection for dead, in milliseconds. */
const ANSWER_WITHIN = 15_000;
/** A fast checkpoint of a large cluster on a slow disk. */
const CHECKPOINT_WITHIN = 3_600_000;
const ASK_AGAIN_AFTER = 1_000;
/** A primary that is being replaced. */
const GIVE_UP_AFTER = 120_000;

export type SwitchAnswer = { readonly lsn: string | null } | Refused;

interface Wish {
  readonly ticket: string;
  readonly done: Promise<Lsn>;
}

/** The primary's side: ends its segment of WAL. One wish at a time; the same ticket asks how it stands. */
export class WalSwitcher {
  readonly #target: () => SessionTarget;
  #wish: Wish | null = null;

  constructor(target: () => SessionTarget) {
    this.#target = target;
  }

  async answer(ticket: string, checkpoint: boolean): Promise<SwitchAnswer> {
    if (this.#wish?.ticket !== ticket) {
      const done = switchWal(this.#target(), checkpoint, AbortSignal.timeout(CHECKPOINT_WITHIN));
      // Told to whoever asks.
      done.catch(() => undefined);
      this.#wish = { ticket, done };
    }
    const waited = new AbortController();
    try {
      const pause = sleep(ANSWER_WITHIN, null, { signal: waited.signal }).catch(() => null);
      return { lsn: await Promise.race([this.#wish.done, pause]) };
    } catch (error) {
      return { refused: failureOf(error), status: 503 };
    } finally {
      waited.abort();
    }
  }
}

/** Where WAL is flushed to, once the segment has ended and the checkpoint is made. */
async function switchWal(target: SessionTarget, checkpoint: boolean, signal: AbortSignal): Promise<Lsn> {
  const session = await Session.open(target, 'postgres', signal, '-c statement_timeout=0');
  try {
    await session.query('select pg_switch_wal()', [], signal);
    if (checkpoint) await session.query('checkpoint', [], signal);
    const [row] = await session.query<{ lsn: string }>(
      'select pg_current_wal_flush_lsn()::text as lsn',
      [],
      signal,
    );
    if (row === undefined || !isLsn(row.lsn)) throw new PrimaryUnavailableError('it told no position');
    return row.lsn;
  } finally {
    session.close();
  }
}

/**
 * The asker's side. `ask` calls whoever the primary is at that moment; it is asked again for a while where it cannot
 * be reached, since it may just be being replaced.
 */
export function remotePrimary(
  ask: (
    wish: { readonly ticket: string; readonly checkpoint: boolean },
    signal: AbortSignal,
  ) => Promise<SwitchAnswer>,
): Primary {
  return {
    async switchWal({ checkpoint }, signal) {
      const ticket = randomUUID();
      const began = performance.now();
      for (;;) {
        const answer = await ask({ ticket, checkpoint }, signal);
        if ('lsn' in answer && answer.lsn !== null && isLsn(answer.lsn)) return answer.lsn;
        const limit = 'lsn' in answer ? CHECKPOINT_WITHIN : GIVE_UP_AFTER;
        if (performance.now() - began > limit)
          throw new PrimaryUnavailableError(
            'refused' in answer ? answer.refused.message : 'its checkpoint takes too long',
          );
        await sleep(ASK_AGAIN_AFTER, undefined, { signal });
      }
    },
  };
}
