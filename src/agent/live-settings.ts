import type { Configuration } from '../config/configuration.ts';
import { diffConfiguration } from '../config/difference.ts';
import { type Loaded, loadConfiguration, type Origins } from '../config/load.ts';
import type { HaSettings } from '../ha/view.ts';
import type { PostgresInstance } from '../postgres/ports.ts';
import type { Log } from './log.ts';
import { haSettings, instanceSettings } from './settings.ts';

/** The longest that Postgres may take to take up new settings, in milliseconds. */
const APPLY = 10_000;

/** The configuration in force, and its exchange while the agent runs. */
export class LiveSettings {
  readonly #origins: Origins;
  /** The file of the configuration; null: none. */
  readonly file: string | null;
  /** One exchange at a time: a signal, a command and the watch of the file may ask for it at once. */
  #turn: Promise<unknown> = Promise.resolve();
  #configuration: Configuration;
  #ha: HaSettings;

  constructor(loaded: Loaded, origins: Origins) {
    this.#origins = origins;
    this.file = loaded.file;
    this.#configuration = loaded.configuration;
    this.#ha = haSettings(loaded.configuration);
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get ha(): HaSettings {
    return this.#ha;
  }

  /**
   * Loads the configuration anew and applies what can be applied; a wrong one changes nothing. Resolves with a
   * sentence that says what changed and what waits for a restart.
   */
  async reload(instance: PostgresInstance, log: Log): Promise<{ readonly message: string }> {
    const turn = this.#turn.then(() => this.#exchange(instance, log));
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  /** Has Postgres read again what the settings only name: its certificate and key. */
  async refresh(instance: PostgresInstance): Promise<void> {
    const turn = this.#turn.then(() =>
      instance.applySettings(instanceSettings(this.#configuration), AbortSignal.timeout(APPLY)),
    );
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  async #exchange(instance: PostgresInstance, log: Log): Promise<{ readonly message: string }> {
    try {
      const { configuration } = await loadConfiguration(this.#origins);
      const changes = diffConfiguration(this.#configuration, configuration);
      if (changes.length === 0) return { message: 'nothing changed' };
      const { pendingRestart } = await instance.applySettings(
        instanceSettings(configuration),
        AbortSignal.timeout(APPLY),
      );
      this.#configuration = configuration;
      this.#ha = haSettings(configuration);
      const waiting = changes.filter((change) => change.effect === 'needs a restart of the agent');
      const message = [
        `changed: ${changes.map((change) => change.path).join(', ')}`,
        ...(waiting.length > 0
          ? [`a restart of the agent is needed for ${waiting.map((change) => change.path).join(', ')}`]
          : []),
        ...(pendingRestart.length > 0
          ? [`a restart of Postgres is needed for ${pendingRestart.join(', ')}`]
          : []),
      ].join('; ');
      log.info({ event: 'configuration.reloaded', pendingRestart }, message);
      return { message };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log.error(
        { event: 'configuration.refused', err: error },
        `The new configuration is refused: ${message}`,
      );
      throw error;
    }
  }
}
