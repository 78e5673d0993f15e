import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { cloneDatabase, databaseFor, type Template } from './template-database.js';

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('databases of a test run', () => {
  it('are clones of a template that is prepared once', async () => {
    let prepared = 0;
    const template: Template = {
      key: 'prepared once',
      prepare: async (url) => {
        prepared += 1;
        await query(url, 'create table things as select 1 as n');
      },
    };
    const clones = await Promise.all([1, 2, 3].map(() => cloneDatabase(template)));
    expect(prepared).toBe(1);
    await query(clones[0]?.url ?? '', 'insert into things values (2)');
    expect(await query(clones[1]?.url ?? '', 'select n from things')).toEqual([{ n: 1 }]);
    for (const clone of clones) await clone.drop();
    await clones[0]?.drop();
    await expect(query(clones[0]?.url ?? '', 'select 1')).rejects.toThrow('does not exist');
  });

  it('prepare again when the first try failed half way', async () => {
    let tries = 0;
    const template: Template = {
      key: 'fails first',
      prepare: async (url) => {
        await query(url, 'create table things (n int)');
        tries += 1;
        if (tries === 1) throw new Error('out of luck');
      },
    };
    await expect(cloneDatabase(template)).rejects.toThrow('out of luck');
    await (await cloneDatabase(template)).drop();
    expect(tries).toBe(2);
  });

  it('are dropped after the test that they are for', async (context) => {
    const cleanUps: (() => Promise<void>)[] = [];
    const url = await databaseFor(
      { onTestFinished: (cleanUp) => void cleanUps.push(cleanUp) },
      { key: 'empty', prepare: async () => undefined },
    );
    const other = await databaseFor(context, { key: 'empty', prepare: async () => undefined });
    for (const cleanUp of cleanUps) await cleanUp();
    await expect(query(url, 'select 1')).rejects.toThrow('does not exist');
    expect(await query(other, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});
