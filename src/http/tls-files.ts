import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type Millis, millis } from '../ha/units.ts';
import { TlsFilesError } from './errors.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** CA of client certificates; with it, what changes something needs one. */
  readonly clientCa?: string;
}

/** What the files held, and what they looked like just before they were read. */
export interface TlsMaterial {
  readonly options: SecureContextOptions;
  readonly fingerprint: string;
}

/** How often the files are looked at. */
const INTERVAL: Millis = millis(5000);

/**
 * Reads the files and checks that they fit together.
 *
 * @throws TlsFilesError when a file is missing or wrong, or the key is not the certificate's
 */
export async function loadTls(files: TlsFiles): Promise<TlsMaterial> {
  try {
    const fingerprint = await fingerprintOf(files);
    const [cert, key, ca] = await Promise.all([
      readFile(files.certificate),
      readFile(files.key),
      files.clientCa === undefined ? undefined : readFile(files.clientCa),
    ]);
    const options: SecureContextOptions = {
      cert,
      key,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
    };
    createSecureContext(options);
    return { options, fingerprint };
  } catch (error) {
    throw new TlsFilesError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/**
 * Calls `onChange` with the new material whenever the files have changed, until `signal` ends it. The files are
 * looked at rather than watched: Kubernetes swaps the directory behind a symbolic link of a Secret volume, which
 * leaves inotify watches of the files on inodes that are gone. Files that do not fit together (a swap under way, a
 * wrong Secret) are reported by `onError` once a change and read again at the next look; the old material stays.
 */
export async function watchTls(
  files: TlsFiles,
  loaded: TlsMaterial,
  handlers: { onChange(options: SecureContextOptions): void; onError(error: TlsFilesError): void },
  signal: AbortSignal,
  interval: Millis = INTERVAL,
): Promise<void> {
  let current = loaded.fingerprint;
  let complained = '';
  while (!signal.aborted) {
    await sleep(interval, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    const seen = await fingerprintOf(files);
    if (seen === current) continue;
    try {
      const material = await loadTls(files);
      // Changed again while it was read: what was read may be a mixture that happens to fit.
      if ((await fingerprintOf(files)) !== material.fingerprint) continue;
      current = material.fingerprint;
      complained = '';
      handlers.onChange(material.options);
    } catch (error) {
      if (!(error instanceof TlsFilesError)) throw error;
      if (complained !== seen) handlers.onError(error);
      complained = seen;
    }
  }
}

/** What changes when any of the files does, through symbolic links. */
async function fingerprintOf(files: TlsFiles): Promise<string> {
  const paths = [files.certificate, files.key, files.clientCa].filter((path) => path !== undefined);
  const marks = await Promise.all(
    paths.map((path) =>
      stat(path, { bigint: true }).then(
        ({ dev, ino, mtimeNs, size }) => `${dev}:${ino}:${mtimeNs}:${size}`,
        (error: NodeJS.ErrnoException) => String(error.code),
      ),
    ),
  );
  return marks.join(' ');
}
