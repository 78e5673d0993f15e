import { readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryDirectory } from '../temporary-directory.js';
import { rabbitPrograms } from './rabbitmq-programs.js';
import { brokerPrefix, type RabbitServer, startRabbitServer } from './rabbitmq-server.js';
import { exchangeVariable, serveBroker } from './shared-broker.js';

/** For vitest's `globalSetup`: one RabbitMQ a test run, started when the first test asks for it, gone at the end. */
export default async function setup(): Promise<() => Promise<void>> {
  await removeLeftovers();
  const directory = await temporaryDirectory(`${brokerPrefix}${process.pid}-exchange-`);
  let starting: Promise<RabbitServer> | undefined;
  const start = async (): Promise<RabbitServer> => {
    const programs = await rabbitPrograms();
    if ('missing' in programs) throw new Error(programs.missing);
    return await startRabbitServer({ scripts: programs.scripts, tls: true });
  };
  const exchange = join(directory.path, 'exchange');
  const server = await serveBroker(exchange, async () => {
    starting ??= start();
    return (await starting).broker;
  });
  process.env[exchangeVariable] = exchange;
  return async () => {
    delete process.env[exchangeVariable];
    await new Promise((resolve) => server.close(resolve));
    await (await starting?.catch(() => undefined))?.stop();
    await directory.remove();
  };
}

/** The files of runs that were killed; their brokers ended by themselves. */
async function removeLeftovers(): Promise<void> {
  const parent = await realpath(tmpdir());
  for (const name of await readdir(parent)) {
    if (!name.startsWith(brokerPrefix) || isProcess(Number(name.slice(brokerPrefix.length).split('-')[0]))) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
