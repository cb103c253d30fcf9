import type { ArchiveOverview } from '../archive/catalog/overview.ts';
import { type ArchiveOptions, isOffline, withArchive } from './archive-options.ts';
import { connect } from './connection-options.ts';
import { interruptible } from './interrupt.ts';

/** What an archive holds: by an agent of its cluster, or by `--from` from the archive itself. */
export async function overviewFor(
  options: ArchiveOptions & { readonly binDirectory?: string },
): Promise<ArchiveOverview> {
  return await interruptible(async (signal) => {
    if (!isOffline(options)) return await (await connect(options)).overview(signal);
    const { readOverview } = await import('../archive/catalog/read-overview.ts');
    const how = { times: true, binDirectory: options.binDirectory ?? null };
    return await withArchive(options, (source) => readOverview(source, how, signal), signal);
  });
}
