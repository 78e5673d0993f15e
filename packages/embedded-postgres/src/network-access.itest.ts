import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
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

/**
 * An address that nobody else has, so that any port of it is free: a port that the kernel had called free on 127.0.0.1 could be
 * taken while the cluster is made. Every 127.x.y.z is an address of this machine.
 */
const address = `127.84.${randomInt(256)}.${randomInt(1, 255)}`;
const port = 15_432;

/** Who the server says that we are. */
async function connectFrom(from: string, password?: string): Promise<string> {
  const stream = () => {
    const socket = new Socket();
    const connect = socket.connect.bind(socket);
    return Object.assign(socket, { connect: () => connect({ port, host: address, localAddress: from }) });
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
      addresses: [address],
      port,
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
    expect(await connectFrom('127.0.0.1', password)).toBe('solstice');
    await expect(connectFrom('127.0.0.1', 'another')).rejects.toThrow('password authentication failed');
    expect(await connectFrom('127.83.0.1')).toBe('solstice');
    await expect(connectFrom('127.83.1.1')).rejects.toThrow('no pg_hba.conf entry for host "127.83.1.1"');
    expect(new URL(server.url).searchParams.get('port')).toBe(String(port));
    await server.stop();

    // Without being told, the next server listens nowhere again.
    server = await startEmbeddedPostgres({ dataDirectory: join(root, 'data'), settings: { fsync: 'off' } });
    await expect(connectFrom('127.0.0.1', password)).rejects.toThrow('ECONNREFUSED');
  });
});
