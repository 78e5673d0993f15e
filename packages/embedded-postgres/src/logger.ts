/** The two calls of a pino logger that this package makes, so that it depends on no logger. */
export interface EmbeddedPostgresLogger {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export const silentLogger: EmbeddedPostgresLogger = { info: () => undefined, warn: () => undefined };
