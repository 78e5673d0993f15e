import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { temporaryDirectory } from '@solstice/testing';

export interface LossyProxy {
  /** The same database, through the proxy. */
  url: string;
  /** The next commits, as many as given, happen, and their answers never arrive: the connection is cut instead. */
  loseAnswers(commits: number): void;
  lost(): number;
  close(): Promise<void>;
}

/** A simple Query message `commit`. */
const commitMessage = Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1');

/** Stands between a store and the unix socket of its server, so that a test can lose the one answer that hurts most. */
export async function lossyProxy(url: string): Promise<LossyProxy> {
  const directory = await temporaryDirectory('solstice-proxy-');
  const target = new URL(url);
  const upstreamPath = join(target.searchParams.get('host') ?? '', '.s.PGSQL.5432');
  const sockets = new Set<Socket>();
  let toLose = 0;
  let lost = 0;
  const server = createServer((client) => {
    const upstream = createConnection(upstreamPath);
    let losing = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => {
      if (toLose > 0 && bytes.equals(commitMessage)) {
        toLose -= 1;
        losing = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!losing) {
        client.write(bytes);
        return;
      }
      // The server has answered, so it is committed.
      lost += 1;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(join(directory.path, '.s.PGSQL.5432'), resolve));
  target.searchParams.set('host', directory.path);
  return {
    url: target.toString().replaceAll('+', '%20'),
    loseAnswers: (commits) => {
      toLose = commits;
    },
    lost: () => lost,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await directory.remove();
    },
  };
}
