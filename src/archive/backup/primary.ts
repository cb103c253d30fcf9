import type { Lsn } from '../../ha/lsn.ts';

/** What a backup asks of the cluster's primary, wherever it is. */
export interface Primary {
  /**
   * Ends the segment that is being written, so that it can be archived; `checkpoint`: and makes a checkpoint behind
   * it. Returns where WAL ended then.
   */
  switchWal(wish: { readonly checkpoint: boolean }, signal: AbortSignal): Promise<Lsn>;
}
