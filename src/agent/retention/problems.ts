import type { CatalogReport } from '../../http/catalog-report.ts';
import type { MemberStatus } from '../../http/ports.ts';

/** What of the archive's state a person should look at. */
export function catalogProblems({ lastDrill, verify }: CatalogReport): MemberStatus['problems'] {
  const problems: MemberStatus['problems'][number][] = [];
  if (lastDrill !== null && !lastDrill.ok)
    problems.push({
      code: 'DRILL_BAD',
      message: `the drill of ${lastDrill.startedAt} was not good: ${lastDrill.failure ?? 'see its result'}`,
      remedy:
        'Nobody knows that this archive can be restored until a drill is good: mend what it found, then "pgwarden drill".',
    });
  if (verify !== null && !verify.ok)
    problems.push({
      code: 'VERIFY_BAD',
      message: `the verification that ended at ${verify.endedAt} failed or found something wrong`,
      remedy: 'See GET /v1/jobs of this member; a new backup makes up for what is missing.',
    });
  return problems;
}
