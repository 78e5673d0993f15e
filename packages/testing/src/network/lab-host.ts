import { inNamespace, run, runIn } from './network-tools.js';

export interface LabHostOptions {
  name: string;
  namespace: string;
  router: string;
  /** The name of the cable's end in the router. */
  cable: string;
  address: string;
  gateway: string;
}

/** A host of a lab: a network of its own, in which processes can be started. */
export class LabHost {
  readonly name: string;
  readonly address: string;
  readonly #options: LabHostOptions;
  #cut: Direction[] = [];

  constructor(options: LabHostOptions) {
    this.name = options.name;
    this.address = options.address;
    this.#options = options;
  }

  async connect(): Promise<void> {
    const { namespace, router, cable, address, gateway } = this.#options;
    await run('ip', 'netns', 'add', namespace);
    await runIn(router, 'ip', 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    await runIn(router, 'ip', 'addr', 'add', `${gateway}/30`, 'dev', cable);
    await runIn(router, 'ip', 'link', 'set', cable, 'up');
    await runIn(namespace, 'ip', 'link', 'set', 'lo', 'up');
    await runIn(namespace, 'ip', 'addr', 'add', `${address}/30`, 'dev', 'eth0');
    await runIn(namespace, 'ip', 'link', 'set', 'eth0', 'up');
    await runIn(namespace, 'ip', 'route', 'add', 'default', 'via', gateway);
  }

  /** What to spawn, so that the command runs on this host. The process spawned is the command itself: it gets signals. */
  command(command: string, args: readonly string[]): [string, string[]] {
    return inNamespace(this.#options.namespace, command, args);
  }

  /** From now on nothing comes through, to it or from it. Connections stay open and silent, as with a pulled cable. */
  async cut(): Promise<void> {
    await this.#drop('in');
    await this.#drop('out');
  }

  /** `in`: it can speak, but hears nothing. `out`: it hears, but nobody hears it. */
  async cutOneWay(direction: Direction): Promise<void> {
    await this.#drop(direction);
  }

  /** All comes through again. Idempotent. */
  async heal(): Promise<void> {
    const { router } = this.#options;
    for (const direction of this.#cut.splice(0)) await runIn(router, 'iptables', '-D', ...this.#rule(direction));
  }

  async #drop(direction: Direction): Promise<void> {
    if (this.#cut.includes(direction)) return;
    await runIn(this.#options.router, 'iptables', '-A', ...this.#rule(direction));
    this.#cut.push(direction);
  }

  #rule(direction: Direction): string[] {
    return ['FORWARD', direction === 'in' ? '-o' : '-i', this.#options.cable, '-j', 'DROP'];
  }
}

type Direction = 'in' | 'out';
