import type { BegunJob, JobReport, JobRequest } from '../http/catalog-report.ts';
import type { ChangeContext } from './change.ts';
import { CommandError, HappenedOtherwiseError } from './errors.ts';
import { memberNamed } from './members.ts';
import type { Look } from './wait.ts';

/** The agent's job ended with an error: code, sentence and remedy are its own. */
export class JobFailedError extends CommandError {
  constructor({ code, message, remedy }: NonNullable<JobReport['error']>) {
    super(code, message, remedy);
  }
}

/** Asks an agent for a job and sees it through; its result. @throws JobFailedError */
export async function runJob<Result>(
  { client, signal, announce, wait }: ChangeContext,
  request: JobRequest,
): Promise<{ readonly member: string; readonly result: Result }> {
  const begun = await client.changeFor<BegunJob>({ method: 'POST', path: '/v1/jobs', body: request }, signal);
  announce(begun.message);
  const job = await wait(`the ${request.kind}`, async (looking): Promise<Look<JobReport>> => {
    const member = memberNamed(await client.cluster(looking), begun.member);
    const jobs = await client.jobsOf(member, looking);
    if (jobs === null) return { seen: `${begun.member} does not answer` };
    const found = jobs.find(({ id }) => id === begun.id);
    if (found === undefined)
      throw new HappenedOtherwiseError(
        `${begun.member} knows nothing of this job any more: its agent was started anew`,
      );
    const share = found.fraction === null ? '' : ` (${Math.floor(found.fraction * 100)} %)`;
    const seen = `${found.detail}${share}`;
    return found.state === 'running' ? { seen } : { done: found, seen };
  });
  if (job.error !== null) throw new JobFailedError(job.error);
  return { member: begun.member, result: job.result as Result };
}
