import type pg from 'pg';
import type { Gap, StaleAcknowledgement } from '../e2e/acknowledgements.ts';

export interface LoadOptions {
  readonly connections: number;
  /** Between an acknowledgement and the next write of the same connection. */
  readonly pauseMillis: number;
  /** Between a failed attempt to connect and the next, give or take a half: the clients do not come in step. */
  readonly retryMillis: number;
  readonly table: string;
}

/** Clients that write all the time and note what is acknowledged. */
export interface Load {
  readonly acknowledged: ReadonlySet<number>;
  readonly stale: readonly StaleAcknowledgement[];
  start(): Promise<this>;
  stop(): Promise<void>;
  waitForWrites(count: number, timeoutMillis?: number): Promise<void>;
  longestGap(since?: number): Gap;
  missingRows(client: pg.Client): Promise<number[]>;
}
