export interface UrlParts {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
}

/**
 * The URL that an application gives libpq: every member, and the one that takes writes is found by asking
 * (documentation, section "Connection URIs" and `target_session_attrs`). A host that is gone is left after two
 * seconds while connecting, and after one and a half on an open connection (`tcp_user_timeout`).
 */
export function connectionUrl({ user, password, database, hosts }: UrlParts): string {
  const places = hosts.map(({ host, port }) => `${host}:${port}`).join(',');
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  const parameters = 'target_session_attrs=read-write&connect_timeout=2&tcp_user_timeout=1500';
  return `postgresql://${login}@${places}/${encodeURIComponent(database)}?${parameters}`;
}
