import { pino } from 'pino';
import { agentUser, becomeUser } from './agent-user.ts';
import { serve } from './api/serve.ts';
import type { Demo } from './state.ts';

/**
 * The process of the embedded API: until SIGTERM. Started by root it gives root up first: it needs no more than
 * its own directory. Throws EmbeddedApiError.
 */
export async function runApi({ layout, manifest }: Demo): Promise<void> {
  const user = await agentUser();
  if (user !== null) becomeUser(user);
  const logger = pino({ base: { name: 'api' } });
  await serve({ directory: layout.api, host: manifest.host, port: manifest.apiPort, logger }, () => {});
}
