import { readFileSync, statSync } from 'node:fs';
import { AgentError } from './errors.ts';

export type SecretName = 'superuser' | 'replication' | 'application' | 'token';

/** Secrets in files, which may be exchanged while the agent runs (a Secret volume, a rotated password). */
export class Secrets {
  readonly #files: Readonly<Record<SecretName, string | null>>;
  readonly #cache = new Map<SecretName, { readonly stamp: string; readonly value: string }>();

  constructor(files: Readonly<Record<SecretName, string | null>>) {
    this.#files = files;
  }

  /** The secret as the file says it now; empty where no file is configured. */
  read(name: SecretName): string {
    const file = this.#files[name];
    if (file === null) return '';
    try {
      const { mtimeMs, ino } = statSync(file);
      const stamp = `${mtimeMs}/${ino}`;
      const known = this.#cache.get(name);
      if (known?.stamp === stamp) return known.value;
      const value = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
      this.#cache.set(name, { stamp, value });
      return value;
    } catch (error) {
      const known = this.#cache.get(name);
      // In the middle of a rotation: the one before stands until the new one can be read.
      if (known !== undefined) return known.value;
      throw new AgentError(
        'SECRET_UNREADABLE',
        `the ${name} secret in ${file} cannot be read`,
        "check that the file exists and that the agent's user may read it",
        { cause: error },
      );
    }
  }

  /** The secret from memory: no file is touched. Null: never read, or none. */
  recall(name: SecretName): string | null {
    return this.#cache.get(name)?.value ?? null;
  }

  /** Reads what is configured; the names of those that changed. */
  refresh(): readonly SecretName[] {
    const names: readonly SecretName[] = ['superuser', 'replication', 'application', 'token'];
    return names.filter((name) => {
      const before = this.recall(name);
      const now = this.#files[name] === null ? null : this.read(name);
      return before !== null && before !== now;
    });
  }
}
