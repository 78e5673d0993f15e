import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from '../database/template-database.js';

const run = promisify(execFile);
const CTL_DEADLINE_MS = 60_000;

/** Where a broker lives; plain data, so that any process of the test run can reach it. */
export interface BrokerPlace {
  directory: string;
  scripts: string;
  listenHost: string;
  port: number;
  tlsPort: number | undefined;
  epmdPort: number;
  distributionPort: number;
  user: string;
  password: string;
}

export interface QueueSeen {
  name: string;
  messages: number;
  consumers: number;
}

export interface TestVhost extends AsyncDisposable {
  name: string;
  /** With user, password and vhost. */
  url: string;
  queues(): Promise<QueueSeen[]>;
  deleteQueue(name: string): Promise<void>;
  /** Tells every client of this vhost to go. */
  closeConnections(): Promise<void>;
  /** Idempotent. */
  drop(): Promise<void>;
}

/** A running broker: what tests ask of it by rabbitmqctl. */
export class RabbitBroker {
  readonly place: BrokerPlace;

  constructor(place: BrokerPlace) {
    this.place = place;
  }

  /** Of the vhost; `/` if none is named. */
  url(vhost = '/', as: { host?: string; user?: string; password?: string; tls?: boolean } = {}): string {
    const { user, password, port, tlsPort, listenHost } = this.place;
    const host = as.host ?? (as.tls ? 'localhost' : listenHost === '0.0.0.0' ? '127.0.0.1' : listenHost);
    const who = `${as.user ?? user}:${as.password ?? password}`;
    return `${as.tls ? 'amqps' : 'amqp'}://${who}@${host}:${as.tls ? tlsPort : port}/${encodeURIComponent(vhost)}`;
  }

  /** What `rabbitmqctl …` printed. A fresh Erlang VM each time: half a second. */
  async ctl(...args: string[]): Promise<string> {
    const { scripts, directory } = this.place;
    const settings = { env: brokerEnvironment(this.place), cwd: directory, timeout: CTL_DEADLINE_MS };
    const { stdout } = await run(path.join(scripts, 'rabbitmqctl'), ['--quiet', ...args], settings);
    return stdout;
  }

  async queues(vhost: string): Promise<QueueSeen[]> {
    const columns = ['name', 'messages', 'consumers'];
    const text = await this.ctl('list_queues', '--vhost', vhost, '--formatter', 'json', ...columns);
    return JSON.parse(text) as QueueSeen[];
  }

  /** Room of one's own: nothing in it is seen from another. */
  async makeVhost(): Promise<TestVhost> {
    const name = `test-${randomBytes(6).toString('hex')}`;
    await this.ctl('add_vhost', name);
    await this.ctl('set_permissions', '--vhost', name, this.place.user, '.*', '.*', '.*');
    const drop = async (): Promise<void> => {
      await this.ctl('delete_vhost', name).catch((error: unknown) => {
        if (!/does not exist|no_such_vhost|not found/i.test(String(error))) throw error;
      });
    };
    return {
      name,
      url: this.url(name),
      queues: () => this.queues(name),
      deleteQueue: async (queue) => void (await this.ctl('delete_queue', '--vhost', name, queue)),
      closeConnections: async () => void (await this.ctl('close_all_connections', '--vhost', name, 'by a test')),
      drop,
      [Symbol.asyncDispose]: drop,
    };
  }

  /** For one test, dropped after it. */
  async vhostFor(context: TestContext): Promise<TestVhost> {
    const vhost = await this.makeVhost();
    context.onTestFinished(() => vhost.drop());
    return vhost;
  }

  /** On: whoever publishes is held up, as when the broker has no memory left. Of the whole broker, so only on one's own. */
  async memoryAlarm(on: boolean): Promise<void> {
    await this.ctl('set_vm_memory_high_watermark', on ? '0.00001' : '0.4');
  }
}

/** For rabbitmq-server and rabbitmqctl alike. Nothing of this machine's own broker, if it has one, is read or written. */
export function brokerEnvironment(place: BrokerPlace): NodeJS.ProcessEnv {
  const { directory, port, epmdPort, distributionPort } = place;
  const file = (name: string): string => path.join(directory, name);
  return {
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
    LANG: 'C.UTF-8',
    HOME: directory,
    TMPDIR: directory,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // Whatever VM finds no port mapper fails: one that it started itself would outlive the broker.
    ERL_ZFLAGS: '-start_epmd false',
    RABBITMQ_NODENAME: `solstice-test-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: file('rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: file('advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: file('plugins'),
    RABBITMQ_GENERATED_CONFIG_DIR: file('generated'),
    RABBITMQ_MNESIA_BASE: file('data'),
    RABBITMQ_LOG_BASE: file('log'),
    RABBITMQ_PID_FILE: file('pid'),
    // One scheduler: the tests have few cores, and share them.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +A 4',
  };
}
