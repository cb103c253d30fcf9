/** Whether a record keeps this member down. */
export function isFenced(fenced: readonly string[], member: string): boolean {
  return fenced.includes('*') || fenced.includes(member);
}
