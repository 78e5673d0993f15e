import { rm } from 'node:fs/promises';
import { tellWhere } from '../run-server/exchange.js';
import { leftBehind } from '../run-server/left-behind.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { rabbitPrograms } from './rabbitmq-programs.js';
import { brokerPrefix, type RabbitServer, startRabbitServer } from './rabbitmq-server.js';
import { brokerExchange } from './shared-broker.js';

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
  const tellNoMore = await tellWhere(brokerExchange, directory.path, async () => {
    starting ??= start();
    return (await starting).broker.place;
  });
  return async () => {
    await tellNoMore();
    await (await starting?.catch(() => undefined))?.stop();
    await directory.remove();
  };
}

/** The files of runs that were killed; their brokers ended by themselves. */
async function removeLeftovers(): Promise<void> {
  for (const path of await leftBehind(brokerPrefix)) await rm(path, { recursive: true, force: true });
}
