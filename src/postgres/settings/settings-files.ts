import { randomBytes } from 'node:crypto';
import type { MemberIncarnation } from '../../ha/member.ts';
import { Mutex } from '../mutex.ts';
import type { InstanceOptions, InstanceSettings, Upstream } from '../ports.ts';
import { makeDirectory, writeAtomically } from '../volume/durable.ts';
import type { VolumePaths } from '../volume/paths.ts';
import { type LocalAccess, renderHba, renderIdent, renderPassfile } from './access-files.ts';
import { type FileContent, renderConfiguration } from './configuration-file.ts';
import { NOBODY } from './standing.ts';

export interface WantedSettings {
  readonly settings: InstanceSettings;
  readonly synchronousStandbyNames: string;
  readonly upstream: Upstream | null;
  readonly identity: MemberIncarnation | null;
  readonly useSlot: boolean;
  readonly hurryReplay: boolean;
  readonly sparseSegments: boolean;
  readonly fromArchive: boolean;
  readonly overrides: Readonly<Record<string, string>>;
  readonly open: boolean;
}

/**
 * The files under `conf/`. `change` writes them all, each atomically, and gives the generation that a new connection
 * must show (`pgwarden.generation`): the postmaster reads postgresql.conf and pg_hba.conf in one reload, in this
 * order, so what is inherited by a backend forked later is the whole of this change. Every start of Postgres writes
 * them anew, so no change waits for the disk: a takeover makes several.
 */
export class SettingsFiles {
  readonly #options: InstanceOptions;
  readonly #paths: VolumePaths;
  readonly #access: LocalAccess;
  readonly #mutex = new Mutex();
  #wanted: WantedSettings;
  #generation = '';
  #followings = 0;

  constructor(options: InstanceOptions, paths: VolumePaths, access: LocalAccess, settings: InstanceSettings) {
    this.#options = options;
    this.#paths = paths;
    this.#access = access;
    this.#wanted = {
      settings,
      synchronousStandbyNames: NOBODY,
      upstream: null,
      identity: null,
      useSlot: false,
      hurryReplay: false,
      sparseSegments: false,
      fromArchive: false,
      overrides: {},
      open: false,
    };
  }

  get wanted(): WantedSettings {
    return this.#wanted;
  }

  get generation(): string {
    return this.#generation;
  }

  /** How often somebody to follow was written: while it stays the same, no receiver can come that was not there. */
  get followings(): number {
    return this.#followings;
  }

  /** Writes the files with these changes; what follows (`then`: reload and proof) comes before the next change. */
  change<T>(changes: Partial<WantedSettings>, then: (generation: string) => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      const wanted = { ...this.#wanted, ...changes };
      if (wanted.upstream !== null) this.#followings += 1;
      const generation = randomBytes(6).toString('hex');
      await this.#write(wanted, generation);
      this.#wanted = wanted;
      this.#generation = generation;
      return then(generation);
    });
  }

  /** Takes up what a postmaster that is adopted was told: nothing is written. */
  assume(changes: Partial<WantedSettings>): void {
    this.#wanted = { ...this.#wanted, ...changes };
  }

  /** The text of postgresql.conf with other settings, to be tried before it replaces the running file. */
  draft(settings: InstanceSettings): string {
    return renderConfiguration(
      this.#content({ ...this.#wanted, settings }, 'draft'),
      this.#options,
      this.#paths,
    );
  }

  async writePassfile(): Promise<void> {
    await makeDirectory(this.#paths.settings);
    await writeAtomically(this.#paths.passFile, renderPassfile(this.#options));
  }

  async #write(wanted: WantedSettings, generation: string): Promise<void> {
    const { settings, open } = wanted;
    await makeDirectory(this.#paths.settings);
    const content = renderConfiguration(this.#content(wanted, generation), this.#options, this.#paths);
    // postgresql.conf last: it carries the generation that vouches for the others.
    await Promise.all([
      writeAtomically(this.#paths.hbaFile, renderHba(open, this.#options, settings, this.#access)),
      writeAtomically(this.#paths.identFile, renderIdent(this.#options, this.#access)),
      writeAtomically(this.#paths.passFile, renderPassfile(this.#options)),
    ]);
    await writeAtomically(this.#paths.configurationFile, content);
  }

  #content(wanted: WantedSettings, generation: string): FileContent {
    return { ...wanted, generation };
  }
}
