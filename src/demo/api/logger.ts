/** What the embedded API needs of a logger: pino's is one. */
export interface ApiLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLogger: ApiLogger = { info: () => {}, warn: () => {}, error: () => {} };
