import type { Configuration } from '../../config/configuration.ts';
import type { View } from '../../ha/view.ts';
import type { Context } from '../context.ts';
import type { ArchiveService } from './service.ts';

/** The archive of the configuration, loaded only where there is one; null: there is none. */
export async function openArchiveService(
  configuration: Configuration,
  context: Context,
  view: () => View | null,
): Promise<ArchiveService | null> {
  if (configuration.archive.url === null) return null;
  const { ArchiveService } = await import('./service.ts');
  return new ArchiveService({ configuration, context, view });
}
