import type { Argument, Command, Option } from 'commander';
import { examplesOf } from './command.js';
import { exitCodeMeanings } from './exit-codes.js';

/** docs/ciadm.md, made from the command tree itself. */
export function referencePage(program: Command): string {
  const parts = [
    '# ciadm',
    '<!-- Made from the commands themselves: npx vitest run --project unit -u packages/ciadm/src/reference-page.test.ts -->',
    program.description(),
    'It speaks to the operator API of a server. On the same machine it finds address and token in the data directory; ' +
      'from elsewhere (through a tunnel: the API listens on loopback) give `--url` and `--token-file`. ' +
      'Tables fit the terminal; colours are left out when `NO_COLOR` is set or the output is no terminal.',
    '## Options of every command',
    optionTable(program.options),
    '## Exit codes',
    table(
      ['code', 'meaning'],
      exitCodeMeanings.map(([code, meaning]) => [String(code), meaning]),
    ),
    ...leaves(program).flatMap(({ command, path }) => commandSection(command, path)),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Every command that does something, with the words that call it. */
export function leaves(program: Command): { command: Command; path: string }[] {
  const walk = (command: Command, path: string): { command: Command; path: string }[] =>
    command.commands.length === 0
      ? [{ command, path }]
      : command.commands.flatMap((child) => walk(child, `${path} ${child.name()}`));
  return walk(program, program.name());
}

function commandSection(command: Command, path: string): string[] {
  const usage = command.registeredArguments.map((argument) => argumentUsage(argument)).join(' ');
  const parts = [
    `## ${path}`,
    sentence(command.description()),
    `\`${[path, usage, command.options.length > 0 ? '[options]' : ''].filter((part) => part !== '').join(' ')}\``,
  ];
  const described = command.registeredArguments.filter((argument) => argument.description !== '');
  if (described.length > 0) {
    const rows = described.map((argument) => [`\`${argumentUsage(argument)}\``, argument.description]);
    parts.push(table(['argument', 'meaning'], rows));
  }
  if (command.options.length > 0) parts.push(optionTable(command.options));
  const examples = examplesOf(command);
  if (examples.length > 0) parts.push(`\`\`\`console\n${examples.join('\n')}\n\`\`\``);
  return parts;
}

function argumentUsage(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionTable(options: readonly Option[]): string {
  const rows = options
    .filter((option) => !option.hidden)
    .map((option) => {
      const choices = option.argChoices ? `: ${option.argChoices.join(', ')}` : '';
      const preset = option.defaultValue === undefined ? '' : ` (default: ${String(option.defaultValue)})`;
      return [`\`${option.flags}\``, `${option.description}${choices}${preset}`];
    });
  return table(['option', 'meaning'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.)]$/.test(text) ? '' : '.'}`;
}
