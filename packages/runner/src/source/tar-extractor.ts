import { closeSync, constants, lstatSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Extract, extract, type Header } from 'tar-stream';

/** The archive wants something that no checkout may do. */
export class BadArchive extends Error {
  override readonly name = 'BadArchive';
}

/**
 * Unpacks a tar stream below one directory, and nowhere else, whatever the archive says:
 *
 * - a name that is absolute, or has a `..`, ends it with BadArchive, and so does any kind of entry that git has not
 *   (hard links, devices), or the same name twice;
 * - links are made at the very end: while files are written there is none that one could be written through. Where a
 *   link points is the repository's own business, as it is with git.
 *
 * Files are 0755 or 0644, as in git.
 */
export class TarExtractor {
  readonly #directory: string;
  readonly #extract: Extract = extract();
  readonly #directories = new Set<string>(['']);
  readonly #links: { name: string; target: string }[] = [];
  readonly #done: Promise<void>;
  #failure: Error | undefined;
  #fileCount = 0;

  /** The directory exists. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#done = this.#takeEntries();
    this.#done.catch((error: Error) => {
      this.#failure = error;
    });
  }

  get fileCount(): number {
    return this.#fileCount;
  }

  /** Settles when these bytes have been taken in. Rejects when the archive is bad, or the disk. */
  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      if (this.#extract.write(chunk)) return resolve();
      this.#extract.once('drain', () => resolve());
      this.#done.then(() => reject(new Error('the archive goes on after its end')), reject);
    });
  }

  /** The archive is complete. Settles when all of it is on disk. */
  async end(): Promise<void> {
    // The library's types want a last chunk; an empty one changes nothing.
    this.#extract.end(Buffer.alloc(0));
    await this.#done;
    for (const link of this.#links) this.#makeLink(link);
  }

  /** Stops; what was written stays. */
  abort(): void {
    this.#extract.destroy();
  }

  async #takeEntries(): Promise<void> {
    for await (const entry of this.#extract) {
      const { header } = entry;
      const name = safeName(header);
      switch (header.type) {
        case 'directory':
          this.#makeDirectories(name);
          break;
        case 'file':
          await this.#makeFile(name, header, entry);
          break;
        case 'symlink':
          this.#links.push({ name, target: header.linkname ?? '' });
          break;
        default:
          throw new BadArchive(`the source archive has an entry of kind ${header.type}: ${header.name}`);
      }
      entry.resume();
    }
  }

  async #makeFile(name: string, header: Header, content: AsyncIterable<unknown>): Promise<void> {
    this.#makeDirectories(parentOf(name));
    const mode = ((header.mode ?? 0) & 0o111) === 0 ? 0o644 : 0o755;
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const fd = this.#refuseExisting(name, () =>
      openSync(join(this.#directory, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode),
    );
    try {
      for await (const piece of content) {
        const chunk = piece as Uint8Array;
        for (let from = 0; from < chunk.length; ) from += writeSync(fd, chunk, from);
      }
    } finally {
      closeSync(fd);
    }
    this.#fileCount += 1;
  }

  #makeLink(link: { name: string; target: string }): void {
    this.#makeDirectories(parentOf(link.name));
    this.#refuseExisting(link.name, () => symlinkSync(link.target, join(this.#directory, link.name)));
  }

  /** Also of its parents. A link or a file in the way is never followed. */
  #makeDirectories(name: string): void {
    if (this.#directories.has(name)) return;
    this.#makeDirectories(parentOf(name));
    const path = join(this.#directory, name);
    try {
      mkdirSync(path);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      if (!lstatSync(path).isDirectory()) {
        throw new BadArchive(`the source archive has an entry below ${name}, which is no directory`);
      }
    }
    this.#directories.add(name);
  }

  #refuseExisting<T>(name: string, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (hasCode(error, 'EEXIST') || hasCode(error, 'ELOOP')) {
        throw new BadArchive(`the source archive has ${name} twice`, { cause: error });
      }
      throw error;
    }
  }
}

/** The entry's name without `.`, `//` and a slash at its end. Throws BadArchive for one that leads elsewhere. */
function safeName(header: Header): string {
  const parts = header.name.split('/').filter((part) => part !== '' && part !== '.');
  if (header.name.startsWith('/') || header.name.includes('\0') || parts.includes('..')) {
    throw new BadArchive(`the source archive has an entry outside the checkout: ${JSON.stringify(header.name)}`);
  }
  if (parts.length === 0 && header.type !== 'directory') {
    throw new BadArchive('the source archive has an entry without a name');
  }
  return parts.join('/');
}

function parentOf(name: string): string {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? '' : name.slice(0, slash);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
