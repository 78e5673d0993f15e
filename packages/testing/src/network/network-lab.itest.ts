import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { NetworkLab } from './network-lab.js';
import { missingForNetworkLab, namespaces, run } from './network-tools.js';

const missing = await missingForNetworkLab();

/** Says each line that it hears, and sends each line that it is told; in a process of its own, in a namespace. */
const talker = `
  const socket = require('node:net').connect(Number(process.argv[1]), process.argv[2]);
  socket.on('data', (data) => process.stdout.write(data));
  process.stdin.pipe(socket);
`;

describe.skipIf(missing !== undefined)('a lab of network namespaces', () => {
  let lab: NetworkLab | undefined;
  let server: Server | undefined;
  let child: ChildProcess | undefined;

  afterEach(async () => {
    child?.kill('SIGKILL');
    await lab?.remove();
    server?.close();
    lab = server = child = undefined;
  });

  async function talk() {
    lab = await NetworkLab.create();
    const host = await lab.addHost('alder');
    const arrived: string[] = [];
    let socket: Socket | undefined;
    server = createServer((accepted) => {
      socket = accepted;
      createInterface(accepted).on('line', (line) => arrived.push(line));
      accepted.on('error', () => undefined);
    });
    server.listen(0, lab.address);
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const [command, args] = host.command(process.execPath, ['-e', talker, String(port), lab.address]);
    child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const heard: string[] = [];
    createInterface(child.stdout as NonNullable<ChildProcess['stdout']>).on('line', (line) => heard.push(line));
    const toHost = (line: string) => void socket?.write(`${line}\n`);
    const fromHost = (line: string) => void child?.stdin?.write(`${line}\n`);
    fromHost('hello');
    await eventually(() => arrived.includes('hello'));
    toHost('hello');
    await eventually(() => heard.includes('hello'));
    return { host, port, socket: socket as unknown as Socket, toHost, fromHost, arrived, heard };
  }

  it('has hosts that reach the machine, each from its own address', async () => {
    const { host, socket } = await talk();
    expect(socket.remoteAddress).toBe(host.address);
  });

  it('loses nothing over a cut that heals: what was sent meanwhile comes then', async () => {
    const { host, toHost, fromHost, arrived, heard } = await talk();
    await host.cut();
    toHost('to');
    fromHost('from');
    const other = await (lab as NetworkLab).addHost('birch');
    expect(other.address).not.toBe(host.address);
    expect([arrived, heard]).toEqual([['hello'], ['hello']]);
    await host.heal();
    await eventually(() => arrived.includes('from') && heard.includes('to'));
  });

  it('cuts one way: a host is heard and hears nothing', async () => {
    const { host, toHost, fromHost, arrived, heard } = await talk();
    await host.cutOneWay('in');
    fromHost('still heard');
    toHost('not heard');
    await eventually(() => arrived.includes('still heard'));
    await host.heal();
    await eventually(() => heard.includes('not heard'));
  });

  it('cuts the other way: a host hears, and nobody hears it', async () => {
    const { host, toHost, fromHost, arrived, heard } = await talk();
    await host.cutOneWay('out');
    toHost('hears');
    fromHost('nobody hears');
    await eventually(() => heard.includes('hears'));
    expect(arrived).not.toContain('nobody hears');
    await host.heal();
    await eventually(() => arrived.includes('nobody hears'));
  });

  it('lets nobody connect through a cut, but after it', async () => {
    const { host, port } = await talk();
    let connected = 0;
    server?.on('connection', () => {
      connected += 1;
    });
    await host.cut();
    const [command, args] = host.command(process.execPath, ['-e', talker, String(port), lab?.address ?? '']);
    const late = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    // In SYN_SENT: it has knocked, and nothing came back.
    const [list, listArgs] = host.command('sh', ['-c', 'cat /proc/self/net/tcp']);
    await eventually(async () => / 02 /.test(await run(list, ...listArgs)), { describe: 'a connection being made' });
    expect(connected).toBe(0);
    await host.heal();
    await eventually(() => connected === 1);
    late.kill('SIGKILL');
    await once(late, 'exit');
  });

  it('leaves nothing, also when a process still runs in a namespace', async () => {
    const { host } = await talk();
    await host.cut();
    const before = await namespaces();
    await lab?.remove();
    await lab?.remove();
    expect((await namespaces()).length).toBeLessThan(before.length);
    expect((await namespaces()).filter((name) => name.includes(`_${process.pid}_`))).toEqual([]);
    expect(await run('ip', 'addr')).not.toContain(lab?.address);
    expect(await run('ip', 'route')).not.toContain(lab?.network.split('/')[0]);
  });

  it('can be many at once, each with a network of its own', async () => {
    const labs = await Promise.all([1, 2, 3, 4].map(() => NetworkLab.create()));
    expect(new Set(labs.map(({ network }) => network)).size).toBe(4);
    await Promise.all(labs.map((each) => each.remove()));
  });

  it('takes away what a killed process had made', async () => {
    const dead = spawn('true');
    await once(dead, 'exit');
    const name = `solstice-lab_x_${dead.pid}_000000_router`;
    await run('ip', 'netns', 'add', name);
    lab = await NetworkLab.create();
    expect(await namespaces()).not.toContain(name);
  });
});
