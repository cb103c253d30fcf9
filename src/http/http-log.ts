/** Where this folder reports what happens: a stable event name, and plain details. */
export type HttpLog = (
  level: 'info' | 'warn' | 'error',
  event: string,
  details: Readonly<Record<string, unknown>>,
) => void;
