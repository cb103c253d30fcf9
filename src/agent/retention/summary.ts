/** What of a result is for the log: no lists of every backup. */
export function summaryOf(result: unknown): Readonly<Record<string, unknown>> {
  const { ok, backup, rows, error, removed, dryRun, findings } = (result ?? {}) as Record<string, unknown>;
  const found = Array.isArray(findings) ? { findings: findings.slice(0, 3) } : {};
  const all = { ok, backup, rows, error, removed, dryRun, ...found };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== null));
}
