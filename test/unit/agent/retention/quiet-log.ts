import type { Log } from '../../../../src/agent/log.ts';

export interface Line {
  readonly level: keyof Log;
  readonly event: unknown;
  readonly message: string;
}

/** A log that keeps its lines to itself. */
export function quietLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: keyof Log): Log[typeof level] =>
    ({ event }, message) =>
      void lines.push({ level, event, message });
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}
