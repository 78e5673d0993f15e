import type { Problems } from './problems.js';
import type { LocatedValue, Section } from './sections.js';
import type { SettingDefinition, SettingTable } from './setting-table.js';
import type { Secret } from './settings.js';
import { secret as secretKind, type ValueKind } from './values.js';

/** The value of a setting, in its own type, and where it came from. */
export interface Found<T> {
  value: T;
  place: string;
}

export type FoundValues<T extends SettingTable> = {
  [Name in keyof T]: T[Name] extends SettingDefinition<infer Value> ? Found<Value> | undefined : never;
};

/** Each setting of the table, checked; what is missing or wrong (then told) is undefined. */
export function readValues<T extends SettingTable>(table: T, section: Section, problems: Problems): FoundValues<T> {
  const found: Record<string, Found<unknown> | undefined> = {};
  for (const [name, definition] of Object.entries(table)) {
    const located = section.values.get(name);
    found[name] = located === undefined ? undefined : check(name, definition.kind, located, problems);
  }
  return found as FoundValues<T>;
}

function check<T>(name: string, kind: ValueKind<T>, located: LocatedValue, problems: Problems): Found<T> | undefined {
  const result = kind.schema.safeParse(located.value);
  if (result.success) {
    return { value: result.data, place: located.place };
  }
  // In a variable's case the place is already the name.
  const subject = located.place.startsWith('SOLSTICE_') ? '' : `${name}: `;
  const value = kind.secret ? 'the value' : JSON.stringify(located.value);
  problems.add(located.place, `${subject}${value} is not ${kind.expected}`);
  return undefined;
}

export interface SecretFile {
  text: string;
  /** Permission bits, such as 0o600. */
  mode: number;
}

/** Reads a secret's file (absolute path). Throws what node:fs throws. */
export type ReadSecretFile = (path: string) => SecretFile;

export interface SecretContext {
  readSecretFile: ReadSecretFile;
  /** Makes a path absolute: relative ones in the file are meant from its folder. */
  resolvePath(found: Found<string>): string;
  problems: Problems;
  warnings: string[];
}

/** The secret that is set directly, or else the one in its file. Both at once: a problem. */
export function readSecret(
  name: string,
  inline: Found<Secret> | undefined,
  inFile: Found<string> | undefined,
  context: SecretContext,
  kind: ValueKind<Secret> = secretKind,
): Secret | undefined {
  if (inFile === undefined) {
    return inline?.value;
  }
  if (inline !== undefined) {
    context.problems.add(inFile.place, `${name} is set too, at ${inline.place}: keep one of the two`);
    return undefined;
  }
  const path = context.resolvePath(inFile);
  let file: SecretFile;
  try {
    file = context.readSecretFile(path);
  } catch (thrown) {
    const reason = (thrown as NodeJS.ErrnoException).code ?? 'unreadable';
    context.problems.add(inFile.place, `${name} cannot be read from ${path} (${reason})`);
    return undefined;
  }
  // systemd lets the service's user in by an access list, which shows as a mode for the group; others cannot get there.
  const isCredential = path.startsWith('/run/credentials/') && (file.mode & 0o007) === 0;
  if ((file.mode & 0o077) !== 0 && !isCredential) {
    const mode = file.mode.toString(8).padStart(4, '0');
    context.warnings.push(`${path} holds a secret and has mode ${mode}: others may read it. Run: chmod 600 ${path}`);
  }
  const text = file.text.replace(/\r?\n$/, '');
  if (text === '') {
    context.problems.add(inFile.place, `${path} is empty: it must hold ${name}`);
    return undefined;
  }
  return check(name, kind, { value: text, place: inFile.place }, context.problems)?.value;
}
