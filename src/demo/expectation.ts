import { loadConfiguration } from '../config/load.ts';
import type { Demo } from './state.ts';

/**
 * Whether commits of this demo are to wait for standbys: by default where there are any, unless a person has
 * set `ha.acks: 0` in the members' configurations. Throws ConfigurationError.
 */
export async function expectsQuorum({ members }: Demo): Promise<boolean> {
  const [first] = members;
  if (first === undefined || members.length === 1) return false;
  const { configuration } = await loadConfiguration({ file: first.config, environment: {} });
  return configuration.ha.acks !== 0;
}
