import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MultiHostUrl } from '../connect.ts';

const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'poolers.md');

/** How the page names the members, without a port. */
const HOSTS = 'pg-0.pg,pg-1.pg,pg-2.pg';

/** The URLs of the page, with the members of a demo for its hosts. */
export interface DocumentedUrls {
  readonly libpq: string;
  readonly libpqReaders: string;
  readonly jdbc: string;
  readonly jdbcReaders: string;
}

/**
 * Takes them from the page as they stand there. `members`: the demo's hosts, with its application's user and password.
 * Throws where the page has none.
 */
export async function documentedUrls(members: MultiHostUrl): Promise<DocumentedUrls> {
  const page = await readFile(PAGE, 'utf8');
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(page)?.[1];
    if (found === undefined || !found.includes(HOSTS)) throw new Error(`docs/poolers.md has no ${pattern}`);
    return found;
  };
  const hosts = members.hosts.map(({ host, port }) => `${host}:${port}`).join(',');
  const login = `${members.user}:${encodeURIComponent(members.password)}`;
  const libpq = (row: string): string =>
    find(new RegExp(`\\| ${row} \\| \`(postgresql://app@[^\`]+)\``))
      .replace('app@', `${login}@`)
      .replace(HOSTS, hosts);
  const jdbc = (row: string): string =>
    find(new RegExp(`\\| ${row} \\| \`(jdbc:[^\`]+)\``)).replace(HOSTS, hosts);
  return {
    libpq: libpq('libpq, psycopg'),
    libpqReaders: libpq('libpq, psycopg: readers'),
    jdbc: jdbc('JDBC'),
    jdbcReaders: jdbc('JDBC: readers'),
  };
}
