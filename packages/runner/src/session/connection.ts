import { type ClientDuplexStream, credentials, status } from '@grpc/grpc-js';
import {
  type OrchestratorMessage,
  type RunnerMessage,
  RunnerServiceClient,
  RunnerServiceService,
} from '@solstice/common/rpc';

/** Why a stream is over. Only `lost` is worth another try. */
export type ConnectionEnd = { kind: 'lost' | 'refused' | 'protocol'; detail: string };

export interface ConnectionListener {
  onMessage(message: NonNullable<OrchestratorMessage['message']>): void;
  /** Once, and nothing after it. */
  onEnd(end: ConnectionEnd): void;
}

const maxMessageBytes = 16 * 1024 * 1024;

/** One stream to the orchestrator, and the channel under it. */
export class Connection {
  readonly #client: RunnerServiceClient;
  readonly #stream: ClientDuplexStream<RunnerMessage | Uint8Array, OrchestratorMessage>;
  #over = false;

  constructor(address: string, listener: ConnectionListener) {
    this.#client = new RunnerServiceClient(address, credentials.createInsecure(), {
      // Each try is a channel of its own: our backoff counts, not the library's.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_http_proxy': 0,
      // An orchestrator that is stopped, or a machine that is gone, says nothing: ask.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_receive_message_length': maxMessageBytes,
    });
    const { path, requestSerialize, responseDeserialize } = RunnerServiceService.session;
    this.#stream = this.#client.makeBidiStreamRequest(
      path,
      (message: RunnerMessage | Uint8Array) => ('message' in message ? requestSerialize(message) : toBuffer(message)),
      responseDeserialize,
    );
    const end = (reason: ConnectionEnd) => {
      if (this.#over) return;
      this.close();
      listener.onEnd(reason);
    };
    this.#stream.on('data', ({ message }: OrchestratorMessage) => {
      if (!this.#over && message !== undefined) listener.onMessage(message);
    });
    this.#stream.on('error', (error) => end(toEnd(error)));
    this.#stream.on('end', () => end({ kind: 'lost', detail: 'the orchestrator ended the stream' }));
  }

  send(message: NonNullable<RunnerMessage['message']>): void {
    if (!this.#over) this.#stream.write({ message });
  }

  /** An encoded RunnerMessage. */
  sendEncoded(message: Uint8Array): void {
    if (!this.#over) this.#stream.write(message);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.cancel();
    this.#client.close();
  }
}

function toEnd(error: unknown): ConnectionEnd {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const detail = error instanceof Error ? error.message : String(error);
  if (code === status.UNAUTHENTICATED) return { kind: 'refused', detail };
  if (code === status.FAILED_PRECONDITION) return { kind: 'protocol', detail };
  return { kind: 'lost', detail };
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
