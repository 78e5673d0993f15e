import { createConnection } from 'node:net';
import { readCommandLine, usage } from './command-line.js';
import { type CommandAnswer, type CommandRequest, readAnswer } from './request.js';
import { socketPathIn } from './socket.js';

/** Set by the step's own script or not: 1 was refused or could not be asked, 2 was typed wrongly. */
const exitCodes = { done: 0, refused: 1, usage: 2 } as const;

/** `solstice …` in a step: `directory` is where the runner's socket lies. Ends the process. */
export async function runCommand([directory, ...words]: readonly string[]): Promise<never> {
  const line = readCommandLine(words);
  if (line.kind === 'help') {
    process.stdout.write(usage);
    return process.exit(exitCodes.done);
  }
  if (line.kind === 'wrong') {
    process.stderr.write(`solstice: ${line.problem}\n${usage}`);
    return process.exit(exitCodes.usage);
  }
  const { error } = await ask(directory ?? '', line.request).catch(
    (thrown: unknown): CommandAnswer => ({
      error: `the runner does not answer: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    }),
  );
  if (error !== undefined) process.stderr.write(`solstice: ${error}\n`);
  // A script that asked to fail goes no further, as after any other command that fails.
  return process.exit(error === undefined && line.request.do !== 'fail' ? exitCodes.done : exitCodes.refused);
}

function ask(directory: string, request: CommandRequest): Promise<CommandAnswer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPathIn(directory));
    let said = '';
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('data', (text: string) => {
      said += text;
    });
    socket.on('close', () => {
      const answer = readAnswer(said);
      if (answer === undefined) reject(new Error('it said nothing'));
      else resolve(answer);
    });
    socket.write(`${JSON.stringify(request)}\n`);
  });
}
