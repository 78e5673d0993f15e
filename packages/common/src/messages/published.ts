import { z } from 'zod';
import { type ForgeEvent, pushEventSchema } from '../forge/index.js';
import { type MessageVersion, messageSchemas } from './message.js';

/** A file of proto/messages/. */
export interface PublishedFile {
  name: string;
  text: string;
}

const pushExample: ForgeEvent = {
  kind: 'forge.push.v1',
  repository: {
    forgeRepositoryId: '81',
    name: 'octo/app',
    defaultBranch: 'main',
    cloneUrl: 'https://forge.example/octo/app.git',
  },
  ref: 'refs/heads/main',
  before: '8c5f2d1b7a904e6f3c28d4b5a1907e6f3c28d4b5',
  after: '1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e',
  created: false,
  deleted: false,
  forced: false,
  pusher: { id: '12', login: 'mara' },
  title: 'Mend the roof',
};

const examples: { [Version in MessageVersion]: z.infer<(typeof messageSchemas)[Version]> } = {
  'delivery.v2': { kind: 'delivery', version: 2, deliveryId: '4711', forge: 'codeberg', event: pushExample },
  'delivery.v1': { kind: 'delivery', version: 1, deliveryId: '4711', forge: 'codeberg', event: 'forge.push.v1' },
  'job.v1': {
    kind: 'job',
    version: 1,
    pool: 'ubuntu-22.04',
    attemptId: '0197c3a0-6f1e-7b52-9d3c-2a54f0c1e8b7/build/1',
  },
  'host.v1': { kind: 'host', version: 1, hostId: 'alder' },
  'report.v1': { kind: 'report', version: 1, forge: 'codeberg', checkId: '0197c3a0-6f1e-7b52-9d3c-6b1d2e9f4a03' },
};

/** Schema and golden example of every message and of the events that deliveries are normalised to, by file name. */
export function publishedFiles(): PublishedFile[] {
  const versions = Object.keys(messageSchemas) as MessageVersion[];
  return [
    ...versions.flatMap((version) => pair(`solstice.${version}`, messageSchemas[version], examples[version])),
    ...pair(pushExample.kind, pushEventSchema, pushExample),
  ];
}

function pair(id: string, schema: z.ZodType, example: unknown): PublishedFile[] {
  const { $schema, ...rest } = z.toJSONSchema(schema);
  return [
    { name: `${id}.schema.json`, text: print({ $schema, $id: id, ...rest }) },
    { name: `${id}.example.json`, text: print(example) },
  ];
}

/** JSON as the formatter wants it: lists of single values on one line. */
function print(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return `${text.replace(/\[\s+([^[\]{}]*?)\s+\]/g, (_all, items: string) => `[${items.replace(/\s*\n\s*/g, ' ')}]`)}\n`;
}
