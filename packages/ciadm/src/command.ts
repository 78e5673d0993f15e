import { parseDuration } from '@solstice/common/kdl';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Context, type GlobalOptions } from './context.js';
import type { ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import type { Output } from './output.js';

const examples = new WeakMap<Command, readonly string[]>();

export function examplesOf(command: Command): readonly string[] {
  return examples.get(command) ?? [];
}

/** With its examples, in --help and in the reference page. */
export function withExamples(command: Command, lines: readonly string[]): Command {
  examples.set(command, lines);
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** Binds what commands do to where they run, and keeps the exit code of the one that ran. */
export class Runtime {
  readonly #io: Io;
  readonly #output: Output;
  exitCode: ExitCode = 0;

  constructor(io: Io, output: Output) {
    this.#io = io;
    this.#output = output;
  }

  /** `body` gets the context, the arguments and the options; it answers the exit code, nothing for 0. */
  action<Options extends object>(
    body: (context: Context, args: string[], options: Options) => Promise<ExitCode | undefined>,
  ): (this: Command, ...all: unknown[]) => Promise<void> {
    const runtime = this;
    return async function (this: Command) {
      const context = new Context(runtime.#io, runtime.#output, this.optsWithGlobals<GlobalOptions>());
      runtime.exitCode = (await body(context, this.args, this.opts<Options>())) ?? 0;
    };
  }
}

/** A parser for options that are whole numbers. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < least) {
      throw new InvalidArgumentError(`A whole number from ${least} on is wanted.`);
    }
    return value;
  };
}

/** A parser for options that are times; gives milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('A time with its unit is wanted: 30s, 10m, 2h.');
  return ms;
}

/** For commands that make runs, and that are perhaps said again by whoever did not get the answer. */
export function keyOption(): Option {
  return new Option(
    '--key <key>',
    'the same command with the same key makes its runs once; known for a day. Else it has one of its own',
  ).argParser((text) => {
    if (!/^[A-Za-z0-9._~:+/=-]{1,200}$/.test(text)) {
      throw new InvalidArgumentError('Up to 200 letters, digits and . _ ~ : + / = - are wanted.');
    }
    return text;
  });
}

/** Collects `--input` after `--input`. The value may have anything in it, also `=` and nothing at all. */
export function anotherInput(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('A name and a value are wanted: level=debug.');
  const name = text.slice(0, at);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`"${name}" is there twice.`);
  return Object.fromEntries([...Object.entries(before), [name, text.slice(at + 1)]]);
}
