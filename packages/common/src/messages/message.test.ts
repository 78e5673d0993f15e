import { describe, expect, it } from 'vitest';
import { forgeEventSchema, forgeEventSchemas } from '../forge/index.js';
import { messageSchemas, parseMessage } from './message.js';
import { publishedFiles } from './published.js';

const files = publishedFiles();
const example = (version: string): object =>
  JSON.parse(files.find((file) => file.name === `solstice.${version}.example.json`)?.text ?? 'null');

describe('proto/messages', () => {
  it.each(files)('$name is current (vitest -u writes it)', async ({ name, text }) => {
    await expect(text).toMatchFileSnapshot(`../../../../proto/messages/${name}`);
  });

  it('has a schema and an example of each version of each kind', () => {
    expect(files.map((file) => file.name)).toEqual(
      [
        ...Object.keys(messageSchemas).map((version) => `solstice.${version}`),
        ...Object.keys(forgeEventSchemas),
      ].flatMap((id) => [`${id}.schema.json`, `${id}.example.json`]),
    );
  });
});

describe('parseMessage', () => {
  it.each(Object.keys(messageSchemas))('reads the example of %s', (version) => {
    expect(parseMessage(example(version))).toEqual({ message: example(version) });
  });

  it.each([
    ['another version', { ...example('job.v1'), version: 2 }, 'version'],
    ['a field more', { ...example('job.v1'), priority: 1 }, 'priority'],
    ['a field less', { kind: 'job', version: 1, pool: 'default' }, 'attemptId'],
    ['an empty id', { ...example('host.v1'), hostId: '' }, 'hostId'],
    ['a version of deliveries that is not there yet', { ...example('delivery.v2'), version: 3 }, 'version'],
    ['an event in the words of another version', { ...example('delivery.v2'), event: 'forge.push.v1' }, 'event'],
    ['an unknown kind', { kind: 'song', version: 1 }, 'kind'],
    ['no object', 'job', 'object'],
    ['nothing', null, 'object'],
  ])('does not read %s, and says where', (_name, value, where) => {
    expect(parseMessage(value)).toEqual({ unreadable: expect.stringContaining(where) });
  });

  it.each(Object.keys(forgeEventSchemas))('leaves %s to its own schema, and carries it', (kind) => {
    const text = files.find((file) => file.name === `${kind}.example.json`)?.text ?? '';
    const event = JSON.parse(text);
    expect(forgeEventSchema.parse(event)).toEqual(event);
    const message = { ...example('delivery.v2'), event };
    expect(parseMessage(message)).toEqual({ message });
  });
});
