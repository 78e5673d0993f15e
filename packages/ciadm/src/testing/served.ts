import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Served, type ServeOptions, serve, World } from '@solstice/api/testing';
import { temporaryDirectory } from '@solstice/testing';
import { onTestFinished } from 'vitest';
import type { Io } from '../io.js';
import { ciadm, type Recorded } from './recorder.js';

export interface ServedHere {
  world: World;
  server: Served;
  directory: string;
  /** The server's data directory. */
  data: string;
  call(argv: string[], io?: Partial<Io>): Promise<Recorded>;
}

/** A server with its data directory, and `ciadm` pointed at it. */
export async function served(options: ServeOptions = {}, world = new World()): Promise<ServedHere> {
  const server = await serve(world.store, options);
  onTestFinished(() => server.close());
  const directory = await temporaryDirectory();
  onTestFinished(() => directory.remove());
  const data = join(directory.path, 'data');
  await mkdir(data, { mode: 0o700 });
  await writeFile(join(data, 'operator.token'), `${server.token}\n`, { mode: 0o600 });
  await writeFile(
    join(data, 'addresses.json'),
    JSON.stringify({ public: server.publicUrl, operator: server.operatorUrl, pid: process.pid }),
  );
  const call = (argv: string[], io: Partial<Io> = {}) => ciadm([...argv, '--data-dir', data], io);
  return { world, server, directory: directory.path, data, call };
}
