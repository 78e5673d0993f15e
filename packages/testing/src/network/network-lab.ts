import { LabHost } from './lab-host.js';
import { isLabOfDead, newLabName } from './lab-name.js';
import { namespaces, run, runIn } from './network-tools.js';

/** 198.18.0.0/15 is set aside for tests of network equipment (RFC 2544), so no machine's own network is in the way. */
const subnets = Array.from({ length: 512 }, (_, index) => `198.${18 + Math.floor(index / 256)}.${index % 256}`);
const mostHosts = 60;

/**
 * A small network on this machine. Each host is a network namespace with one cable to a router, which is a namespace as well;
 * the router has one cable to the machine itself, where the services listen that all share (`address`). Cables are cut by
 * rules in the router: both ends see packets vanish, as with a real one, and no error. Nothing is changed in the
 * machine's own firewall, and all of it is gone with the namespaces.
 */
export class NetworkLab implements AsyncDisposable {
  /** Of this machine, as the hosts reach it. */
  readonly address: string;
  /** All addresses of the lab: `198.18.7.0/24`. */
  readonly network: string;
  readonly #name: string;
  readonly #subnet: string;
  readonly #hosts: LabHost[] = [];

  private constructor(name: string, subnet: string) {
    this.#name = name;
    this.#subnet = subnet;
    this.address = `${subnet}.1`;
    this.network = `${subnet}.0/24`;
  }

  static async create(): Promise<NetworkLab> {
    for (const namespace of await namespaces()) {
      if (isLabOfDead(namespace)) await deleteNamespace(namespace);
    }
    const name = newLabName();
    const router = `${name}_router`;
    await run('ip', 'netns', 'add', router);
    try {
      const subnet = await claimSubnet(router);
      const lab = new NetworkLab(name, subnet);
      await run('ip', 'addr', 'add', `${lab.address}/30`, 'dev', linkName(subnet));
      await run('ip', 'link', 'set', linkName(subnet), 'up');
      await runIn(router, 'ip', 'link', 'set', 'lo', 'up');
      await runIn(router, 'ip', 'addr', 'add', `${subnet}.2/30`, 'dev', 'machine');
      await runIn(router, 'ip', 'link', 'set', 'machine', 'up');
      await runIn(router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
      await run('ip', 'route', 'add', lab.network, 'via', `${subnet}.2`);
      return lab;
    } catch (error) {
      await deleteNamespace(router);
      throw error;
    }
  }

  /** A new host, connected. The name is for people. */
  async addHost(name: string): Promise<LabHost> {
    const number = this.#hosts.length + 1;
    if (number > mostHosts) throw new Error(`a lab has ${mostHosts} hosts at most`);
    const host = new LabHost({
      name,
      namespace: `${this.#name}_${number}`,
      router: this.#router,
      cable: `host${number}`,
      address: `${this.#subnet}.${number * 4 + 2}`,
      gateway: `${this.#subnet}.${number * 4 + 1}`,
    });
    // Before it is made: what is half made has to be taken away as well.
    this.#hosts.push(host);
    await host.connect();
    return host;
  }

  /** Every cable is whole again. Idempotent. */
  async heal(): Promise<void> {
    for (const host of this.#hosts) await host.heal();
  }

  /** Takes away all of it, also after a failure. Processes in the namespaces lose their network, but live on. Idempotent. */
  async remove(): Promise<void> {
    const ours = (await namespaces()).filter((namespace) => namespace.startsWith(`${this.#name}_`));
    await Promise.all(ours.map(deleteNamespace));
    this.#hosts.length = 0;
    // A process that still runs in the router's namespace would keep the cable alive.
    await run('ip', 'link', 'delete', linkName(this.#subnet)).catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  get #router(): string {
    return `${this.#name}_router`;
  }
}

/** The cable's end on this machine: its name is what makes a subnet ours, as two can't have the same. */
function linkName(subnet: string): string {
  return `sol${subnet.replaceAll('.', '-')}`;
}

async function claimSubnet(router: string): Promise<string> {
  const first = Math.floor(Math.random() * subnets.length);
  for (const subnet of [...subnets.slice(first), ...subnets.slice(0, first)]) {
    try {
      const far = ['peer', 'name', 'machine', 'netns', router];
      await run('ip', 'link', 'add', linkName(subnet), 'type', 'veth', ...far);
      return subnet;
    } catch (error) {
      if (!String(error).includes('File exists')) throw error;
    }
  }
  throw new Error('every network for tests is taken');
}

async function deleteNamespace(name: string): Promise<void> {
  await run('ip', 'netns', 'delete', name).catch((error: unknown) => {
    // Somebody else was quicker.
    if (!String(error).includes('No such file')) throw error;
  });
}
