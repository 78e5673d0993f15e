import { type DestinationStream, destination, type Logger as PinoLogger, pino } from 'pino';

/** Structured JSON lines. Messages are constant; what varies goes in fields. Every part gets its own child. */
export type Logger = PinoLogger;

export interface LogSettings {
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Default: standard error, so that standard output stays for what a command is asked for. */
  stream?: DestinationStream;
}

export function createLogger(settings: LogSettings): Logger {
  return pino(
    {
      level: settings.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      // A second net below Secret: these never belong in a log, whoever puts them there.
      redact: {
        paths: ['token', 'secret', 'password', 'authorization', '*.token', '*.secret', '*.password', '*.authorization'],
        censor: '[secret]',
      },
    },
    settings.stream ?? destination({ dest: 2, sync: true }),
  );
}
