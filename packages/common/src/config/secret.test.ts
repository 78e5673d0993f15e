import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../telemetry/index.js';
import { Secret } from './settings.js';

const value = 'hunter2-canary';

function logged(fields: object): string {
  let lines = '';
  const stream = {
    write(line: string) {
      lines += line;
    },
  };
  createLogger({ level: 'info', stream }).info(fields, 'a message');
  return lines;
}

describe('Secret', () => {
  const secret = new Secret(value);

  it('gives its value when asked', () => {
    expect(secret.reveal()).toBe(value);
  });

  it.each<[string, () => string]>([
    ['a template', () => `${secret}`],
    ['String()', () => String(secret)],
    ['JSON', () => JSON.stringify({ token: secret, list: [secret] })],
    ['inspect', () => inspect({ secret, deep: { secret } }, { depth: 10, showHidden: true })],
    ['format', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['its own properties', () => JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret).map(String)])],
    ['a copy by spreading', () => JSON.stringify({ ...secret })],
    ['a log line', () => logged({ value: secret, nested: { deep: { value: secret } } })],
    ["an error's message in a log line", () => logged({ err: new Error(`refused ${secret}`, { cause: secret }) })],
  ])('does not print it in %s', (_, print) => {
    expect(print()).not.toContain(value);
  });

  it('is told apart from a missing one in a log line', () => {
    expect(JSON.parse(logged({ value: secret }))).toMatchObject({ value: '[secret]' });
  });
});
