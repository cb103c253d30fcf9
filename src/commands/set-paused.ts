import type { ChangeContext, Outcome } from './change.ts';

/** Pauses or resumes, and waits until the cluster record says so. */
export async function setPaused(context: ChangeContext, paused: boolean): Promise<Outcome> {
  const { cluster } = await context.client.cluster(context.signal);
  context.announce(paused ? `pausing ${cluster}: roles stay as they are` : `resuming ${cluster}`);
  const call = { method: paused ? 'PUT' : 'DELETE', path: '/v1/paused' } as const;
  await context.client.change(call, context.signal);
  await context.wait(paused ? 'the pause' : 'the resumption', async (signal) => {
    const now = await context.client.cluster(signal);
    return now.paused === paused
      ? { done: true, seen: '' }
      : { seen: paused ? 'not paused yet' : 'still paused' };
  });
  return { message: `${cluster} is ${paused ? 'paused' : 'no longer paused'}`, paused };
}
