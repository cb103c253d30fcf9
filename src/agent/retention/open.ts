import type { Configuration } from '../../config/configuration.ts';
import type { CatalogPort } from '../../http/routes-catalog.ts';
import { NO_ARCHIVE } from '../backup/open.ts';
import type { CatalogService, CatalogServiceOptions } from './service.ts';

/** The catalogue of the configuration's archive, loaded only where there is one; null: there is none. */
export async function openCatalogService(
  configuration: Configuration,
  options: Omit<CatalogServiceOptions, 'configuration'>,
): Promise<CatalogService | null> {
  if (configuration.archive.url === null) return null;
  const { CatalogService } = await import('./service.ts');
  return new CatalogService({ configuration, ...options });
}

/** Where there is no archive. */
export const NO_CATALOG: CatalogPort = {
  overview: async () => NO_ARCHIVE,
  begin: async () => NO_ARCHIVE,
  jobs: () => [],
};
