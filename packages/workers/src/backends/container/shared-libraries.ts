import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a program needs beside itself to run. */
export interface LinkedFiles {
  /** The path that the program names as its loader. */
  loader: string;
  /** By the name under which they are looked for; paths on this machine. */
  libraries: { name: string; path: string }[];
}

/** Undefined: it is a script, or has everything in itself. Rejects when a library is missing. */
export async function linkedFiles(program: string): Promise<LinkedFiles | undefined> {
  const loader = await readInterpreter(program);
  if (loader === undefined) return undefined;
  const { stdout } = await run(loader, ['--list', program]);
  return { loader, libraries: parseLoaderList(stdout) };
}

/** Lines such as `\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f…)`; the loader's own has no arrow. */
export function parseLoaderList(text: string): { name: string; path: string }[] {
  const libraries: { name: string; path: string }[] = [];
  for (const line of text.split('\n')) {
    const [, name, path] = /^\s*(\S+) => (.+?)(?: \(0x[0-9a-f]+\))?$/.exec(line) ?? [];
    if (name === undefined || path === undefined) continue;
    if (!path.startsWith('/')) throw new Error(`library ${name} is missing on this machine`);
    libraries.push({ name, path });
  }
  return libraries;
}

const PROGRAM_HEADER_INTERPRETER = 3;

/** The loader that an ELF file of 64 bit, little endian, asks for in its program headers. */
async function readInterpreter(program: string): Promise<string | undefined> {
  const file = await open(program);
  try {
    const read = async (length: number, position: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(64, 0);
    if (head.length < 64 || head.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return undefined;
    const headersAt = Number(head.readBigUInt64LE(32));
    const headerBytes = head.readUInt16LE(54);
    const headers = await read(headerBytes * head.readUInt16LE(56), headersAt);
    for (let at = 0; at + headerBytes <= headers.length; at += headerBytes) {
      if (headers.readUInt32LE(at) !== PROGRAM_HEADER_INTERPRETER) continue;
      const text = await read(Number(headers.readBigUInt64LE(at + 32)), Number(headers.readBigUInt64LE(at + 8)));
      return text.toString('utf8').replace(/\0.*$/s, '');
    }
    return undefined;
  } finally {
    await file.close();
  }
}
