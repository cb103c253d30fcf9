/** An instant as `2026-11-21T09:25:12.721946Z`: UTC, microseconds as Postgres keeps them; text order is time order. */
export type UtcTime = string & { readonly utcTime: unique symbol };

const WITH_ZONE =
  /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?\s*(?:([Zz]|UTC)|([+-])(\d\d):?(\d\d)?)$/;

/** Reads RFC 3339 and what Postgres and psql print; the zone must be said. Null: it is no such time. */
export function parseUtcTime(text: string): UtcTime | null {
  const match = WITH_ZONE.exec(text.trim());
  if (match === null) return null;
  const [, date = '', time = '', fraction = '', , sign, hours = '0', minutes = '0'] = match;
  const zone = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const base = Date.parse(`${date}T${time.length === 5 ? `${time}:00` : time}Z`);
  // Date.parse takes the 31st of any month.
  if (Number.isNaN(base) || new Date(base).toISOString().slice(0, 10) !== date) return null;
  return format(base - zone * 60_000, fraction);
}

/** Milliseconds since 1970. */
export function utcTimeAt(millis: number): UtcTime {
  return format(Math.floor(millis / 1000) * 1000, String(Math.floor(millis % 1000)).padStart(3, '0'));
}

/** For recovery_target_time, whatever TimeZone and DateStyle are. */
export function postgresTime(time: UtcTime): string {
  return time.replace('T', ' ').replace('Z', '+00');
}

function format(wholeSeconds: number, fraction: string): UtcTime {
  const seconds = new Date(wholeSeconds).toISOString().slice(0, 19);
  return `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z` as UtcTime;
}
