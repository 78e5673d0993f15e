import { type ClientDuplexStream, credentials, status } from '@grpc/grpc-js';
import {
  type Hello,
  LogStream,
  type OrchestratorMessage,
  type RunnerMessage,
  RunnerServiceClient,
} from '@solstice/common/rpc';
import { eventually } from '@solstice/testing';

type Message = NonNullable<OrchestratorMessage['message']>;

/** A runner's stream by hand, to say what no good runner says. */
export class RawRunner implements Disposable {
  readonly received: Message[] = [];
  /** How the stream ended; 0 is a plain end. */
  ended: { code: number; details: string } | undefined;
  readonly #client: RunnerServiceClient;
  readonly stream: ClientDuplexStream<RunnerMessage, OrchestratorMessage>;

  constructor(socket: string) {
    this.#client = new RunnerServiceClient(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.stream = this.#client.session();
    this.stream.on('data', ({ message }: OrchestratorMessage) => {
      if (message !== undefined) this.received.push(message);
    });
    this.stream.on('error', () => undefined);
    this.stream.on('status', ({ code, details }: { code: status; details: string }) => {
      this.ended = { code, details };
    });
  }

  send(message: NonNullable<RunnerMessage['message']>): void {
    this.stream.write({ message });
  }

  hello(changes: Partial<Hello>): void {
    this.send({
      $case: 'hello',
      value: {
        workerId: 'worker-1',
        token: Buffer.alloc(32, 7),
        sessionSecret: Buffer.alloc(32, 1),
        protocol: { major: 1, minor: 0 },
        hasAssignment: true,
        nextSeq: 1n,
        ...changes,
      },
    });
  }

  log(seq: number, data: Buffer = Buffer.from('x'), step = 0): void {
    const body = { $case: 'log', value: { step, stream: LogStream.LOG_STREAM_STDOUT, data } } as const;
    this.send({ $case: 'record', value: { seq: BigInt(seq), atMs: 0n, body } });
  }

  /** The first message of this kind, once it is there. */
  async got<K extends Message['$case']>(kind: K): Promise<Extract<Message, { $case: K }>> {
    return await eventually(
      () => this.received.find((message): message is Extract<Message, { $case: K }> => message.$case === kind),
      { describe: () => `a ${kind}; got ${this.received.map((one) => one.$case)}, ${JSON.stringify(this.ended)}` },
    );
  }

  /** How the orchestrator ended it. */
  async end(): Promise<{ code: number; details: string }> {
    return await eventually(() => this.ended);
  }

  [Symbol.dispose](): void {
    this.stream.cancel();
    this.#client.close();
  }
}

export { status };
