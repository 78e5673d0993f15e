import { Server } from '@grpc/grpc-js';
import { type RunnerServiceServer, RunnerServiceService } from '@solstice/common/rpc';
import type { Logger, Metrics } from '@solstice/common/telemetry';
import { defaultLimits, type SessionLimits } from './limits.js';
import { RecordLag } from './record-lag.js';
import { type OpenSessions, RunnerSession } from './runner-session.js';
import type { SessionHandler } from './session-handler.js';
import { bindSessionSocket } from './session-socket.js';

export interface SessionServerSettings {
  /** Exists. The socket in it is `session.sock`. */
  socketDirectory: string;
  handler: SessionHandler;
  logger: Logger;
  limits?: Partial<SessionLimits>;
  metrics?: Metrics | undefined;
}

export interface SessionServer {
  /** Ends every stream (their runners dial again and find the next server) and settles when no `record` is under way. Idempotent. */
  close(): Promise<void>;
}

/**
 * The server side of the runner protocol, on a unix socket. Rejects with SolsticeError `settings-invalid` when the
 * socket's path is too long, else with what the system says of binding it.
 */
export async function createSessionServer(settings: SessionServerSettings): Promise<SessionServer> {
  const { socketDirectory, handler, logger, metrics } = settings;
  const lag = metrics && new RecordLag(metrics);
  const limits: SessionLimits = { ...defaultLimits, ...settings.limits };
  const open: OpenSessions = new Map();
  const sessions = new Set<RunnerSession>();
  const server = new Server({
    'grpc.max_receive_message_length': limits.messageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
  const service: RunnerServiceServer = {
    session: (stream) => {
      const session = new RunnerSession(stream, { handler, open, limits, logger, lag });
      sessions.add(session);
      stream.once('close', () => void session.stop().then(() => sessions.delete(session)));
    },
  };
  server.addService(RunnerServiceService, service);
  const socket = await bindSessionSocket(server, socketDirectory);
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await socket.remove();
    await Promise.all([...sessions].map((session) => session.stop()));
    server.forceShutdown();
    lag?.stop();
  };
  return {
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
