import type { ApiAddress, EmbeddedApiOptions } from './embedded-api.ts';
import { EmbeddedApi } from './embedded-api.ts';

/**
 * Runs an embedded API as this process: until SIGTERM or SIGINT. `onReady` hears where it serves.
 * @throws EmbeddedApiError
 */
export async function serve(
  options: EmbeddedApiOptions,
  onReady: (address: ApiAddress) => void,
): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => stop.abort(new Error(`received ${signal}`));
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  try {
    const api = new EmbeddedApi(options);
    api.ready.then(onReady, () => undefined); // run() throws the reason.
    await api.run(stop.signal);
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}
