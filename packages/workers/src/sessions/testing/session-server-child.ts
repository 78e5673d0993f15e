import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { Assignment } from '@solstice/common/rpc';
import type { RunnerRecord } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { createSessionServer } from '../session-server.js';
import { recordToLine } from './record-lines.js';

/** A session server that is a process of its own, so that it can be killed: argv is socket directory, journal, assignment, and for exclusive work how long a ping is good for. */
async function main(): Promise<void> {
  const [, , socketDirectory, journal, encoded, validForMs = '0'] = process.argv;
  if (socketDirectory === undefined || journal === undefined || encoded === undefined) throw new Error('arguments');
  const assignment = Assignment.decode(Buffer.from(encoded, 'base64'));
  const before = existsSync(journal) ? readFileSync(journal, 'latin1') : '';
  // A line that a kill has cut was never acknowledged.
  if (before !== '') truncateSync(journal, before.lastIndexOf('\n') + 1);
  let durableSeq = before.split('\n').length - 1;
  const record = async (records: RunnerRecord[]) => {
    const fresh = records.filter((one) => one.seq > durableSeq);
    appendFileSync(journal, fresh.map(recordToLine).join(''));
    const file = openSync(journal, 'r');
    fsyncSync(file);
    closeSync(file);
    durableSeq += fresh.length;
    return { durableSeq };
  };
  await createSessionServer({
    socketDirectory,
    logger: createLogger({ level: 'warn' }),
    limits: { pingMs: 50 },
    handler: {
      open: async () => ({
        get durableSeq() {
          return durableSeq;
        },
        stepNames: assignment.steps.map((step) => step.name),
        assignment: async () => assignment,
        record,
        source: async function* () {},
        validForMs: () => (assignment.exclusive === true ? Number(validForMs) : undefined),
        connected: () => undefined,
        disconnected: () => undefined,
      }),
    },
  });
  process.stdout.write('ready\n');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
