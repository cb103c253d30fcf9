import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Events that make up what happened, in the order in which a person asks for them. */
const TOLD =
  /^(decision|role\.|task\.|signal|guard|agent|loop|start|record|lease|problem|postgres_(?:exit|lost))/;

/** What Postgres says of clients that come at the wrong moment, and of a primary that is known to be gone. */
const NOISE =
  /no pg_hba.conf entry|could not connect to the primary|starting up|shutting down|administrator command/;

interface Line {
  readonly time: string;
  readonly member: string;
  readonly event: string;
  readonly msg: string;
  readonly severity?: string;
}

/** One member's log since an instant of the wall clock, as parsed JSON lines; other lines are left out. */
export async function logLines(dir: string, member: string, since: Date): Promise<readonly Line[]> {
  const text = await readFile(join(dir, 'logs', `${member}.log`), 'utf8').catch(() => '');
  const from = since.toISOString();
  return text.split('\n').flatMap((line) => {
    try {
      const parsed = JSON.parse(line) as Partial<Line>;
      if (parsed.time === undefined || parsed.time < from) return [];
      return [{ member, event: '', msg: '', ...parsed, time: parsed.time }];
    } catch {
      return [];
    }
  });
}

/**
 * What all members decided and met since then, in one order of time: the cause of a failed scenario. Their clock is
 * one and the same, since they are processes of one machine.
 */
export async function story(
  dir: string,
  members: readonly string[],
  since: Date,
  longest = 120,
): Promise<string> {
  const lines = (await Promise.all(members.map((member) => logLines(dir, member, since)))).flat();
  return lines
    .filter(({ event, severity }) => TOLD.test(event) || severity === 'FATAL' || severity === 'PANIC')
    .filter(({ msg }) => !NOISE.test(msg))
    .toSorted((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0))
    .slice(-longest)
    .map(({ time, member, event, msg }) => `${time.slice(11, 23)} ${member} ${event}: ${msg.slice(0, 240)}`)
    .join('\n');
}
