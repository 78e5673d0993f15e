import { readFileSync } from 'node:fs';
import { run } from './run.js';

const mayColor = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb';

// `cidev validate | head -1`: the reader has gone, and there is nobody left to tell.
process.stderr.on('error', () => {});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.exitCode = 2;
  process.stderr.write(`error: the output cannot be written (${error.code ?? error.message})\n`);
});

process.exitCode = await run(process.argv.slice(2), {
  cwd: process.cwd(),
  input: () => readFileSync(0),
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  color: { out: mayColor(process.stdout), err: mayColor(process.stderr) },
});
