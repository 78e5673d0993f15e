import { hostCodes } from './diagnostic-codes.js';
import { backends, type HostWord, type Place, words } from './words.js';

/** docs/host.md with its tables made anew from those that the reader reads with; the text between them is written by hand. */
export function renderHostPage(page: string): string {
  const marked = /<!-- generated: ([a-z]+) -->\n[\s\S]*?<!-- end -->/g;
  return page.replace(marked, (_, name: string) => `<!-- generated: ${name} -->\n${tableOf(name)}<!-- end -->`);
}

function tableOf(name: string): string {
  if (name === 'codes') {
    return table(
      ['code', 'meaning'],
      Object.entries(hostCodes).map(([code, meaning]) => [`\`${code}\``, meaning]),
    );
  }
  if (name === 'backends') {
    const rows = Object.entries(backends).map(([backend, { built, meaning }]) => [
      `\`${backend}\``,
      built ? meaning : `${meaning} *Not available yet.*`,
    ]);
    return table(['backend', 'meaning'], rows);
  }
  if (!isPlace(name)) throw new Error(`docs/host.md wants a table that does not exist: ${name}`);
  return table(['word', 'meaning'], words[name].map(rowOf));
}

function isPlace(name: string): name is Place {
  return Object.hasOwn(words, name);
}

function rowOf({ name, example, meaning, later }: HostWord): string[] {
  const written = example === '' ? `\`${name}\`` : `\`${name}=${example}\``;
  const note = { refused: ' *Not available yet: refused.*', 'left out': ' *Not available yet: a warning.*' };
  return [written, `${meaning}${later === undefined ? '' : note[later]}`];
}

function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escaped).join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}
