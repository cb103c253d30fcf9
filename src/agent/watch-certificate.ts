import { readFile } from 'node:fs/promises';
import type { Configuration } from '../config/configuration.ts';
import { millis } from '../ha/units.ts';
import type { Clock } from '../kubernetes/clock.ts';
import type { Log } from './log.ts';

/** In milliseconds. */
const PACE = 5_000;

export interface CertificateParts {
  /** As it is now: a reload may name other files. */
  files(): Configuration['postgres']['tls'];
  /** Has Postgres read them again. */
  refresh(): Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Has Postgres take up its new certificate and key whenever they were exchanged, without a restart: it reads them at a
 * reload (documentation, "Secure TCP/IP Connections with SSL"), and goes on with the old ones where they do not fit.
 */
export async function watchCertificate(parts: CertificateParts, signal: AbortSignal): Promise<void> {
  let current = await contents(parts.files());
  while (!signal.aborted) {
    await parts.clock.sleep(millis(PACE), signal);
    const { certificateFile } = parts.files();
    const seen = await contents(parts.files());
    // One of the files is away for a moment: the next look sees both.
    if (signal.aborted || certificateFile === null || seen === null || seen === current) continue;
    try {
      await parts.refresh();
      parts.log.info(
        { event: 'certificate.reloaded', file: certificateFile },
        `${certificateFile} is taken up anew`,
      );
      current = seen;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      parts.log.warn(
        { event: 'certificate.failed', err: error },
        `${certificateFile} could not be taken up: ${message}`,
      );
    }
  }
}

/** Null: there are none, or one cannot be read. */
async function contents({
  certificateFile,
  keyFile,
  caFile,
}: Configuration['postgres']['tls']): Promise<string | null> {
  const named = [certificateFile, keyFile, caFile].filter((path) => path !== null);
  try {
    return (await Promise.all(named.map((path) => readFile(path, 'utf8')))).join();
  } catch {
    return null;
  }
}
