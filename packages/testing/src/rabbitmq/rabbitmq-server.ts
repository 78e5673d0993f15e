import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClaimedPort, claimPort } from '../claimed-port.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { makeCertificates, type TestCertificates } from './certificates.js';
import { type BrokerPlace, brokerEnvironment, RabbitBroker } from './rabbitmq-broker.js';

const START_DEADLINE_MS = 120_000;
const POLL_MS = 50;
/** Directories of brokers; the owner's pid follows. */
export const brokerPrefix = 'solstice-test-rabbitmq-';

export interface RabbitServerOptions {
  /** The folder of rabbitmq-server and rabbitmqctl: what rabbitPrograms() found. */
  scripts: string;
  /** Also listens with TLS, and has certificates for it. */
  tls?: boolean;
  /** The address to listen on. Default 127.0.0.1; `0.0.0.0` for tests in network namespaces. */
  listenHost?: string;
}

/** A broker of one's own. What it may be told is in RabbitBroker. */
export interface RabbitServer extends AsyncDisposable {
  readonly broker: RabbitBroker;
  /** With `tls: true`. */
  readonly certificates: TestCertificates | undefined;
  /** `kill`: no farewell to anybody. Afterwards it is at the same address, with what it kept on disk. */
  restart(how: 'orderly' | 'kill'): Promise<void>;
  /** Down until start(). */
  down(how: 'orderly' | 'kill'): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its directory. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts RabbitMQ with a node name, ports, cookie, port mapper (epmd) and folders of its own. All of it is one process
 * group, ended by its first process as soon as the process that started it has gone, however that went.
 */
export async function startRabbitServer(options: RabbitServerOptions): Promise<RabbitServer> {
  const directory = await temporaryDirectory(`${brokerPrefix}${process.pid}-`);
  const ports: ClaimedPort[] = [];
  const remove = async (): Promise<void> => {
    for (const port of ports) await port.release();
    await directory.remove();
  };
  try {
    for (let count = 0; count < 4; count += 1) ports.push(await claimPort());
    const place = layOut(directory.path, ports, options);
    const certificates = options.tls ? await makeCertificates(directory.path) : undefined;
    await configure(place, certificates);
    const server = new OwnServer(place, certificates, remove);
    await server.start();
    return server;
  } catch (error) {
    await remove();
    throw error;
  }
}

class OwnServer implements RabbitServer {
  readonly broker: RabbitBroker;
  readonly certificates: TestCertificates | undefined;
  readonly #place: BrokerPlace;
  readonly #remove: () => Promise<void>;
  #child: ChildProcess | undefined;

  constructor(place: BrokerPlace, certificates: TestCertificates | undefined, remove: () => Promise<void>) {
    this.broker = new RabbitBroker(place);
    this.certificates = certificates;
    this.#place = place;
    this.#remove = remove;
  }

  async start(): Promise<void> {
    if (this.#child) return;
    const { directory, scripts, epmdPort } = this.#place;
    const child = spawn('sh', ['-c', GROUP, 'sh', scripts, String(epmdPort), path.join(directory, 'out.log')], {
      // A process group of its own, to be ended whole.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: directory,
      env: brokerEnvironment(this.#place),
    });
    // It may be gone before we let it go.
    child.stdin?.on('error', () => undefined);
    this.#child = child;
    try {
      await this.#answered(child);
      // It lets clients in a moment before it lets itself be told anything.
      await this.broker.ctl('await_startup');
    } catch (error) {
      const said = await readFile(path.join(directory, 'out.log'), 'utf8').catch(() => '');
      await this.down('kill');
      throw new Error(`RabbitMQ did not start: ${String(error)}\n${said.split('\n').slice(-25).join('\n')}`);
    }
  }

  async down(how: 'orderly' | 'kill'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    if (how === 'orderly') await this.broker.ctl('shutdown');
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.stdin?.end();
    if (child.exitCode === null && child.signalCode === null) await exited;
  }

  async restart(how: 'orderly' | 'kill'): Promise<void> {
    await this.down(how);
    await this.start();
  }

  async stop(): Promise<void> {
    await this.down('kill');
    await this.#remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #answered(child: ChildProcess): Promise<void> {
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
    });
    const startedAt = performance.now();
    while (!(await answers(this.#place))) {
      const end = await Promise.race([ended, delay(POLL_MS)]);
      if (end !== undefined) throw new Error(end);
      if (performance.now() - startedAt > START_DEADLINE_MS) throw new Error(`no answer in ${START_DEADLINE_MS} ms`);
    }
  }
}

// The port mapper first, in the foreground, and answering: whatever finds none would have to start one, which stays for
// ever. `detached` makes rabbitmq-server become the VM instead of watching over it. Reading ends when whoever started
// this lets go, or has died. The two are waited for then: the next pair needs their ports.
const GROUP = `
epmd -port "$2" -address 127.0.0.1 >> "$3" 2>&1 < /dev/null &
mapper=$!
until epmd -port "$2" -names > /dev/null 2>&1; do
  kill -0 $mapper || exit 1
  sleep 0.05
done
detached=1 "$1/rabbitmq-server" >> "$3" 2>&1 < /dev/null &
server=$!
cat > /dev/null
kill -KILL $server $mapper
wait
kill -KILL 0
`;

function layOut(directory: string, ports: readonly ClaimedPort[], options: RabbitServerOptions): BrokerPlace {
  const [port = 0, tlsPort = 0, epmdPort = 0, distributionPort = 0] = ports.map((claim) => claim.port);
  return {
    directory,
    scripts: options.scripts,
    listenHost: options.listenHost ?? '127.0.0.1',
    port,
    tlsPort: options.tls ? tlsPort : undefined,
    epmdPort,
    distributionPort,
    user: 'solstice',
    password: randomBytes(12).toString('hex'),
  };
}

async function configure(place: BrokerPlace, certificates: TestCertificates | undefined): Promise<void> {
  const { directory, listenHost, port, tlsPort, user, password } = place;
  const lines = [
    `listeners.tcp.1 = ${listenHost}:${port}`,
    'loopback_users = none',
    `default_user = ${user}`,
    `default_pass = ${password}`,
    'disk_free_limit.absolute = 1MB',
    'raft.wal_max_size_bytes = 16000000',
  ];
  if (certificates) {
    lines.push(
      `listeners.ssl.1 = ${listenHost}:${tlsPort}`,
      `ssl_options.cacertfile = ${certificates.ca}`,
      `ssl_options.certfile = ${certificates.server.cert}`,
      `ssl_options.keyfile = ${certificates.server.key}`,
      'ssl_options.verify = verify_peer',
      'ssl_options.fail_if_no_peer_cert = false',
    );
  }
  await mkdir(path.join(directory, 'data'));
  await writeFile(path.join(directory, 'rabbitmq.conf'), `${lines.join('\n')}\n`);
  await writeFile(path.join(directory, 'plugins'), '[].\n');
  await writeFile(path.join(directory, '.erlang.cookie'), randomBytes(12).toString('hex'));
  await chmod(path.join(directory, '.erlang.cookie'), 0o400);
}

/** It greets with its own protocol header when it is given a wrong one, but only once it has really started. */
async function answers({ listenHost, port }: BrokerPlace): Promise<boolean> {
  const host = listenHost === '0.0.0.0' ? '127.0.0.1' : listenHost;
  return await new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.on('connect', () => socket.write('HELLO\0\0\0'));
    socket.on('data', (data) => {
      resolve(data.subarray(0, 4).toString() === 'AMQP');
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
