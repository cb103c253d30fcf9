const COUNT = /^pgwarden_kubernetes_request_duration_seconds_count\{.*\} (\d+)$/gm;

/** Calls to the Kubernetes API that these agents have made in their lives, by their own metrics. */
export async function apiRequests(agents: readonly string[]): Promise<number> {
  const counts = await Promise.all(
    agents.map(async (url) => {
      const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
      if (!answer.ok) throw new Error(`${url}/metrics: ${answer.status}`);
      return [...(await answer.text()).matchAll(COUNT)].reduce((sum, [, count]) => sum + Number(count), 0);
    }),
  );
  return counts.reduce((a, b) => a + b, 0);
}
