import { type Document, getLocation, InvalidKdlError, type Node, parse } from '@bgotink/kdl';
import { nearestName, toError } from '../errors/index.js';
import type { Problems } from './problems.js';
import type { SettingTable } from './setting-table.js';
import type { RawValue } from './values.js';

/** A value and where it was written. */
export interface LocatedValue {
  value: RawValue;
  /** `file:line:column`, or the name of a variable. */
  place: string;
}

/** A node of the file (or the file itself) with its settings by name. */
export interface Section {
  place: string;
  values: Map<string, LocatedValue>;
  /** The nodes in it that are sections of their own, in order. */
  nodes: Node[];
}

export interface SectionShape {
  /** For messages: `host`, `forge`, … */
  title: string;
  settings: SettingTable;
  /** Names of child nodes that are sections of their own. */
  sections: readonly string[];
  /** The setting that the first argument stands for. */
  identity?: string;
}

const maxFileBytes = 256 * 1024;

/** The file as a tree with positions; undefined when it is no KDL (each place is then told). */
export function readDocument(text: string, file: string, problems: Problems): Document | undefined {
  if (Buffer.byteLength(text) > maxFileBytes) {
    problems.add(file, `is larger than ${maxFileBytes / 1024} KiB`);
    return undefined;
  }
  try {
    return parse(text, { storeLocations: true });
  } catch (thrown) {
    if (thrown instanceof InvalidKdlError) {
      for (const error of thrown.flat()) {
        // The library repeats the position in its own words, and may quote the line: which could be a secret's.
        const message = (error.message.split('\n')[0] ?? '').replace(/ at \d+:\d+$/, '');
        problems.add(error.start ? `${file}:${error.start.line}:${error.start.column}` : file, message);
      }
    } else {
      problems.add(file, `cannot be read as KDL: ${toError(thrown).message}`);
    }
    return undefined;
  }
}

export function placeOf(element: Parameters<typeof getLocation>[0], file: string): string {
  const start = getLocation(element)?.start;
  return start ? `${file}:${start.line}:${start.column}` : file;
}

/** `log-cap` and `log_cap` are the same word. */
export function nameOf(written: string): string {
  return written.replaceAll('-', '_');
}

/** Reads a node: a property and a child with one argument mean the same; both, or one twice, is a problem. */
export function readNode(node: Node, shape: SectionShape, file: string, problems: Problems): Section {
  const section: Section = { place: placeOf(node, file), values: new Map(), nodes: [] };
  let isIdentityTaken = false;
  for (const entry of node.entries) {
    const written = entry.getName();
    const place = placeOf(entry, file);
    if (written !== null) {
      put(section, shape, nameOf(written), written, { value: entry.getValue(), place }, problems);
    } else if (shape.identity !== undefined && !isIdentityTaken) {
      isIdentityTaken = true;
      put(section, shape, shape.identity, shape.identity, { value: entry.getValue(), place }, problems);
    } else {
      problems.add(place, `${shape.title} takes no ${isIdentityTaken ? 'second ' : ''}argument`);
    }
  }
  readChildren(section, node.children?.nodes ?? [], shape, file, problems);
  return section;
}

/** Reads the nodes of the document, or of a node's children, into the section. */
export function readChildren(
  section: Section,
  nodes: readonly Node[],
  shape: SectionShape,
  file: string,
  problems: Problems,
): void {
  for (const node of nodes) {
    const name = nameOf(node.getName());
    const place = placeOf(node, file);
    if (shape.sections.includes(name)) {
      section.nodes.push(node);
      continue;
    }
    const [argument, ...others] = node.entries;
    if (!(name in shape.settings)) {
      unknown(name, node.getName(), shape, place, problems);
    } else if (argument === undefined || others.length > 0 || argument.getName() !== null || node.children !== null) {
      problems.add(place, `${name} takes one value: ${name} "…"`);
    } else {
      put(section, shape, name, node.getName(), { value: argument.getValue(), place }, problems);
    }
  }
}

function put(
  section: Section,
  shape: SectionShape,
  name: string,
  written: string,
  located: LocatedValue,
  problems: Problems,
): void {
  const earlier = section.values.get(name);
  if (!(name in shape.settings)) {
    unknown(name, written, shape, located.place, problems);
  } else if (earlier !== undefined) {
    problems.add(located.place, `${name} is set twice, first at ${earlier.place}`);
  } else {
    section.values.set(name, located);
  }
}

function unknown(name: string, written: string, shape: SectionShape, place: string, problems: Problems): void {
  const meant = nearestName(name, [...Object.keys(shape.settings), ...shape.sections]);
  const where = shape.title === '' ? '' : ` in ${shape.title}`;
  problems.add(place, `unknown setting "${written}"${where}${meant ? `; did you mean "${meant}"?` : ''}`);
}
