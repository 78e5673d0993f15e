import { problemOfOutputName } from '@solstice/common/rpc';
import type { CommandRequest } from './request.js';

export const usage = `usage: solstice output <name>=<value> …
       solstice fail "<reason>"

output   hands values on to the jobs that need this one: NEEDS_<JOB>_<NAME> in their steps
fail     ends this job as failed; it is not tried again
`;

export type CommandLine =
  | { kind: 'request'; request: CommandRequest }
  | { kind: 'help' }
  /** A sentence for people. */
  | { kind: 'wrong'; problem: string };

/** What was typed after `solstice`. */
export function readCommandLine(words: readonly string[]): CommandLine {
  const [command, ...rest] = words;
  switch (command) {
    case 'output':
      return readOutput(rest);
    case 'fail':
      return readFail(rest);
    case 'help':
    case '--help':
    case '-h':
      return { kind: 'help' };
    case undefined:
      return { kind: 'wrong', problem: 'a command is missing' };
    default:
      return { kind: 'wrong', problem: `unknown command ${JSON.stringify(command)}` };
  }
}

function readOutput(words: readonly string[]): CommandLine {
  if (words.length === 0) return { kind: 'wrong', problem: 'output: <name>=<value> is missing' };
  const outputs: { name: string; value: string }[] = [];
  for (const word of words) {
    const at = word.indexOf('=');
    if (at === -1) return { kind: 'wrong', problem: `output: ${JSON.stringify(word)} has no =, as in version=1.2` };
    const name = word.slice(0, at);
    const problem = problemOfOutputName(name);
    if (problem !== undefined) return { kind: 'wrong', problem: `output: ${problem}` };
    outputs.push({ name, value: word.slice(at + 1) });
  }
  return { kind: 'request', request: { do: 'output', outputs } };
}

function readFail(words: readonly string[]): CommandLine {
  const [reason, ...more] = words;
  if (reason === undefined || reason.trim() === '') return { kind: 'wrong', problem: 'fail: the reason is missing' };
  if (more.length > 0) return { kind: 'wrong', problem: 'fail: one reason, in quotes' };
  return { kind: 'request', request: { do: 'fail', reason } };
}
