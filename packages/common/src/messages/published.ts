import { z } from 'zod';
import {
  type CommentEvent,
  forgeEventSchemas,
  type PullRequestEvent,
  type PushEvent,
  type ScheduleEvent,
} from '../forge/index.js';
import { type MessageVersion, messageSchemas } from './message.js';

/** A file of proto/messages/. */
export interface PublishedFile {
  name: string;
  text: string;
}

const repository = {
  forgeRepositoryId: '81',
  name: 'octo/app',
  defaultBranch: 'main',
  cloneUrl: 'https://forge.example/octo/app.git',
};

const pushExample: PushEvent = {
  kind: 'forge.push.v1',
  repository,
  ref: 'refs/heads/main',
  before: '8c5f2d1b7a904e6f3c28d4b5a1907e6f3c28d4b5',
  after: '1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e',
  created: false,
  deleted: false,
  forced: false,
  pusher: { id: '12', login: 'mara' },
  title: 'Mend the roof',
};

const pullRequestExample: PullRequestEvent = {
  kind: 'forge.pull_request.v1',
  repository,
  number: 7,
  action: 'updated',
  head: { forgeRepositoryId: '81', branch: 'roof', commit: '1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e' },
  base: { branch: 'main', commit: '8c5f2d1b7a904e6f3c28d4b5a1907e6f3c28d4b5' },
  author: { id: '12', login: 'mara' },
  sender: { id: '14', login: 'tilo' },
  title: 'Mend the roof',
};

const commentExample: CommentEvent = {
  kind: 'forge.comment.v1',
  repository,
  number: 7,
  commentId: '3001',
  author: { id: '12', login: 'mara' },
  line: '/bench now',
};

const scheduleExample: ScheduleEvent = {
  kind: 'forge.schedule.v1',
  repository: { forgeRepositoryId: '81', name: 'octo/app', defaultBranch: 'main' },
  file: '.solstice/nightly.kdl',
  workflow: 'Nightly',
  cron: '0 3 * * *',
  timezone: 'Europe/Zurich',
  tick: '2026-03-01T02:00:00.000Z',
  missed: 0,
};

const eventExamples = {
  'forge.push.v1': pushExample,
  'forge.pull_request.v1': pullRequestExample,
  'forge.comment.v1': commentExample,
  'forge.schedule.v1': scheduleExample,
} as const;

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
    ...(Object.keys(forgeEventSchemas) as (keyof typeof forgeEventSchemas)[]).flatMap((kind) =>
      pair(kind, forgeEventSchemas[kind], eventExamples[kind]),
    ),
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
