import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';

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

describe('createLogger', () => {
  it.each(['token', 'secret', 'password', 'authorization'])('hides a bare %s, also one level down', (name) => {
    const line = logged({ [name]: value, headers: { [name]: value } });
    expect(line).not.toContain(value);
    expect(JSON.parse(line)).toMatchObject({ [name]: '[secret]', headers: { [name]: '[secret]' } });
  });

  it('writes the level as a word and the time as ISO 8601', () => {
    expect(JSON.parse(logged({ runId: 'r' }))).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      runId: 'r',
      msg: 'a message',
    });
  });
});
