import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, removeEmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.js';
import type { NetworkAccess } from './network-access.js';

let root: string;
let server: EmbeddedPostgres | undefined;

beforeAll(async () => {
  root = await mkdtemp(join(await realpath(tmpdir()), 'embedded-postgres-network-'));
  await chmod(root, 0o755);
});
afterAll(async () => {
  await server?.stop();
  await removeEmbeddedPostgres(join(root, 'data'));
  await rm(root, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Who the server says that we are. Every 127.x.y.z is an address of this machine, to connect to and from. */
async function connectFrom(from: string, port: number, password?: string): Promise<string> {
  const stream = () => {
    const socket = new Socket();
    const connect = socket.connect.bind(socket);
    return Object.assign(socket, { connect: () => connect({ port, host: '127.0.0.1', localAddress: from }) });
  };
  const client = new Client({ stream, user: 'solstice', database: 'postgres', password });
  await client.connect();
  try {
    const { rows } = await client.query<{ who: string }>('select current_user as who');
    return rows[0]?.who ?? '';
  } finally {
    await client.end();
  }
}

describe('a server with TCP addresses', () => {
  it('lets in who comes from a network that it was told, with a password where one is wanted', async () => {
    const password = "an odd 'one' \\ with all";
    const network: NetworkAccess = {
      addresses: ['127.0.0.1'],
      port: await freePort(),
      allow: [
        { network: '127.0.0.1/32', method: 'scram-sha-256' },
        { network: '127.83.0.0/24', method: 'trust' },
      ],
      password,
    };
    server = await startEmbeddedPostgres({
      dataDirectory: join(root, 'data'),
      settings: { fsync: 'off' },
      network,
    });
    expect(await connectFrom('127.0.0.1', network.port, password)).toBe('solstice');
    await expect(connectFrom('127.0.0.1', network.port, 'another')).rejects.toThrow('password authentication failed');
    expect(await connectFrom('127.83.0.1', network.port)).toBe('solstice');
    await expect(connectFrom('127.83.1.1', network.port)).rejects.toThrow('no pg_hba.conf entry for host "127.83.1.1"');
    expect(new URL(server.url).searchParams.get('port')).toBe(String(network.port));
    await server.stop();

    // Without being told, the next server listens nowhere again.
    server = await startEmbeddedPostgres({ dataDirectory: join(root, 'data'), settings: { fsync: 'off' } });
    await expect(connectFrom('127.0.0.1', network.port, password)).rejects.toThrow('ECONNREFUSED');
  });
});
