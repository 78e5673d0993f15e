import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { FleetPostgres } from './fleet-postgres.js';

describe('a PostgreSQL of a fleet', () => {
  let postgres: FleetPostgres | undefined;

  afterEach(async () => {
    await postgres?.remove();
    postgres = undefined;
  });

  it('is at the same address with the same data after it was away', async () => {
    postgres = await FleetPostgres.start();
    await postgres.query('create table things as select 1 as n');
    await postgres.stop();
    await expect(postgres.query('select 1')).rejects.toThrow('ECONNREFUSED');
    await postgres.start();
    expect(await postgres.query('select n from things')).toEqual([{ n: 1 }]);
  });

  it('cuts off whoever is connected', async () => {
    postgres = await FleetPostgres.start();
    const client = new Client({ connectionString: postgres.url });
    const ended = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await postgres.killConnections();
    expect(String(await ended)).toContain('terminating connection');
    expect(await postgres.query('select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('answers nobody while it is frozen, and all of them afterwards', async () => {
    postgres = await FleetPostgres.start();
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    await postgres.freeze();
    const order: string[] = [];
    const answers = [
      client.query('select 1').then(() => order.push('answered')),
      postgres.query('select 1').then(() => order.push('answered')),
    ];
    // Frozen means that the round trip through the kernel alone brings nothing.
    await new Promise((resolve) => setImmediate(resolve));
    order.push('thawed');
    await postgres.thaw();
    await Promise.all(answers);
    expect(order).toEqual(['thawed', 'answered', 'answered']);
    await client.end();
  });
});
