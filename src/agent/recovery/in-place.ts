import type { Context } from '../context.ts';
import { type BootstrapParts, RetryPace, tellBy } from './bootstrap.ts';
import { NoArchiveToRecoverFromError } from './errors.ts';

/**
 * `Context.recoverTo`: the directory is filled out of the cluster's own archive, up to what the operation names, and
 * promoted to a timeline that nobody of this cluster ever reserved. Nothing of it is loaded before it is wanted.
 */
export function recoveryInPlace(parts: BootstrapParts): Context['recoverTo'] {
  let pace = { id: '', retry: new RetryPace() };
  return (operation, highest, report) => async (place, signal) => {
    if (pace.id !== operation.id) pace = { id: operation.id, retry: new RetryPace() };
    const { fillFromArchive } = await import('./fill.ts');
    const { goalTarget } = await import('./goal.ts');
    const { url } = parts.configuration.archive;
    if (url === null) throw new NoArchiveToRecoverFromError();
    const filling = {
      from: url,
      target: goalTarget(operation.goal),
      timeline: operation.timeline,
      backup: operation.backup,
      tablespaces: [],
      above: highest,
    };
    return await pace.retry.attempt(
      () => fillFromArchive(parts, filling, place, tellBy(report), signal),
      signal,
    );
  };
}
