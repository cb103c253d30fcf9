import { readFileSync, statSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { PeerTls } from '../http/peer-client.ts';
import { AgentError } from './errors.ts';

/** Whose certificates of other members are believed; read again when the file changes. */
export class PeerTrust {
  readonly #caFile: string | null;
  #stamp = '';
  #tls: PeerTls;

  /** @throws AgentError CA_UNREADABLE */
  constructor(caFile: string | null) {
    this.#caFile = caFile;
    this.#tls = { ca: rootCertificates.join('\n') };
    if (caFile === null) return;
    try {
      this.#read(caFile);
    } catch (error) {
      throw new AgentError(
        'CA_UNREADABLE',
        `the certificates in ${caFile} cannot be read`,
        "check http.tls.caFile: the file must exist and be readable for the agent's user",
        { cause: error },
      );
    }
  }

  get tls(): PeerTls {
    return this.#tls;
  }

  /** Looks whether the file changed; one that cannot be read in the middle of an exchange leaves the old one. */
  refresh(): void {
    if (this.#caFile === null) return;
    try {
      this.#read(this.#caFile);
    } catch {
      // The next look reads it.
    }
  }

  #read(file: string): void {
    const { mtimeMs, ino } = statSync(file);
    const stamp = `${mtimeMs}/${ino}`;
    if (stamp === this.#stamp) return;
    this.#tls = { ca: readFileSync(file, 'utf8') };
    this.#stamp = stamp;
  }
}
