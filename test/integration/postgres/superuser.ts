import pg from 'pg';
import type { Member } from './fixture.ts';

/** Rows of a query by the way the agent comes in: over the socket, by the name of the operating-system user. */
export async function superuser(member: Member, text: string): Promise<object[]> {
  const { socketDirectory: host, port } = member.options;
  const client = new pg.Client({ host, port, user: 'postgres', database: 'postgres' });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
