import type { Configuration } from './configuration.ts';
import type { Problem } from './errors.ts';

const TARGETS = ['toTime', 'toLsn', 'toXid', 'toName'] as const;

/** What is wrong between the settings of a cluster that begins out of an archive. */
export function bootstrapFindings({ bootstrap, archive }: Configuration): Omit<Problem, 'source'>[] {
  const { recovery } = bootstrap;
  const found: Omit<Problem, 'source'>[] = [];
  const problem = (key: string, message: string) =>
    found.push({ path: `bootstrap.recovery.${key}`, message });
  const given = [
    ...TARGETS.filter((name) => recovery[name] !== null),
    ...(recovery.immediate ? ['immediate'] : []),
  ];
  const [first, second] = given;
  if (first !== undefined && second !== undefined)
    problem(second, `given beside bootstrap.recovery.${first}; allowed: one target`);
  if (recovery.exclusive && !['toTime', 'toLsn', 'toXid'].includes(first ?? ''))
    problem('exclusive', 'needs bootstrap.recovery.toTime, toLsn or toXid');
  if (recovery.from === null) {
    if (first !== undefined) problem(first, 'needs bootstrap.recovery.from');
  } else if (archive.url !== null && plain(archive.url) === plain(recovery.from)) {
    found.push({
      path: 'archive.url',
      message:
        'given the archive that this cluster begins from (bootstrap.recovery.from); allowed: a prefix of its own',
    });
  }
  return found;
}

function plain(url: string): string {
  return url.replace(/(?<=[^:/])\/{2,}/g, '/').replace(/\/+$/, '');
}
