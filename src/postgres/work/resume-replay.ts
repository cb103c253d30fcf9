import { askPrivately, type PrivateServer } from './private-server.ts';

/** Ends a pause at the target: the server promotes itself (documentation, recovery_target_action). */
export async function resumeReplay(server: PrivateServer, superuser: string): Promise<void> {
  await askPrivately(server, superuser, 'select pg_wal_replay_resume()');
}
