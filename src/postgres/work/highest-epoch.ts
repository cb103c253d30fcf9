import { type Epoch, epoch } from '../../ha/units.ts';
import { askPrivately, type PrivateServer } from './private-server.ts';

/** The highest epoch in restored data: of the cluster that it was restored from. Zero where no pgwarden ran it. */
export async function highestEpoch(server: PrivateServer, superuser: string): Promise<Epoch> {
  const [table] = await askPrivately<{ is: boolean }>(
    server,
    superuser,
    "select to_regclass('pgwarden.epoch') is not null as is",
  );
  if (table?.is !== true) return epoch(0);
  const [found] = await askPrivately<{ highest: string }>(
    server,
    superuser,
    'select coalesce(max(epoch), 0) as highest from pgwarden.epoch',
  );
  return epoch(Number(found?.highest ?? 0));
}
