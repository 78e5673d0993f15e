import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { SolsticeError } from '@solstice/common/errors';
import { type Pack, pack } from 'tar-stream';
import type { DockerConnection } from './docker-connection.js';
import { engineWords } from './docker-errors.js';
import { linkedFiles } from './shared-libraries.js';

export interface HostToolsImage {
  /** The image's name, such as `solstice-demo:1`. */
  tag: string;
  /** Names of programs of this machine. Default: `sh` and the usual small ones that are here, without git. */
  tools?: string[];
  /** User name of the image: `root` (default) or `builder` (uid 1000). */
  user?: 'root' | 'builder';
}

const TOOL_DIRECTORIES = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
const USUAL_TOOLS = [
  'sh cat ls sleep seq echo printf true false env id pwd cp mv rm mkdir rmdir chmod ln touch head tail wc sort tr',
  'cut tee dd stat od date kill sha256sum base64 basename dirname readlink uname grep sed find xargs setsid ps tar',
].flatMap((line) => line.split(' '));
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
// What git starts by name when it fetches and clones from a directory; each is git itself.
const GIT_PROGRAMS = ['git', 'git-upload-pack', 'git-receive-pack'];

/**
 * Makes an image of programs of this machine and the libraries that they need, with nothing pulled. Answers with the
 * image's id. Rejects with `image-unavailable` and the reason: a tool that isn't here, or the engine's own words.
 */
export async function buildHostToolsImage(docker: DockerConnection, image: HostToolsImage): Promise<string> {
  const root = new ImageRoot();
  for (const tool of new Set(image.tools ?? (await usualTools()))) await root.addTool(tool);
  return await importImage(docker, image.tag, root, [`ENV PATH=${PATH}`, `USER ${image.user ?? 'root'}`]);
}

/** A root file system that is put together in memory. */
export class ImageRoot {
  readonly #tar: Pack = pack();
  readonly #names = new Set<string>();

  constructor() {
    for (const directory of ['bin', 'etc', 'home', 'home/builder', 'lib', 'root', 'usr', 'usr/bin', 'var']) {
      this.#tar.entry({ name: directory, type: 'directory', mode: 0o755 });
    }
    this.#tar.entry({ name: 'tmp', type: 'directory', mode: 0o1777 });
    this.addText('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nbuilder:x:1000:1000:builder:/home/builder:/bin/sh\n');
    this.addText('/etc/group', 'root:x:0:\nbuilder:x:1000:\n');
  }

  addText(name: string, text: string): void {
    if (this.#isNew(name)) this.#tar.entry({ name: name.slice(1), mode: 0o644 }, text);
  }

  addLink(name: string, target: string): void {
    if (this.#isNew(name)) this.#tar.entry({ name: name.slice(1), type: 'symlink', linkname: target });
  }

  async addFile(name: string, source: string): Promise<void> {
    if (!this.#isNew(name)) return;
    const mode = ((await stat(source)).mode & 0o111) === 0 ? 0o644 : 0o755;
    this.#tar.entry({ name: name.slice(1), mode }, await readFile(source));
  }

  /** A program of this machine, as /bin/<name>, with its loader and libraries where they are here. */
  async addTool(tool: string): Promise<void> {
    const program = await findTool(tool);
    await this.addFile(`/bin/${tool}`, program);
    const linked = await linkedFiles(program);
    if (linked !== undefined) {
      for (const file of [linked.loader, ...linked.libraries.map((library) => library.path)]) {
        await this.addFile(file, await realpath(file));
      }
    }
    if (tool === 'git') for (const name of GIT_PROGRAMS) this.addLink(`/usr/lib/git-core/${name}`, '/bin/git');
  }

  /** Nothing can be added after it. */
  stream(): Readable {
    this.#tar.finalize();
    // The HTTP client wants one of Node's own streams.
    return this.#tar.pipe(new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) }));
  }

  #isNew(name: string): boolean {
    const isNew = !this.#names.has(name);
    this.#names.add(name);
    return isNew;
  }
}

/** `changes` are lines of a Dockerfile: ENV, USER, WORKDIR, VOLUME, … Answers with the image's id. */
export async function importImage(
  docker: DockerConnection,
  tag: string,
  root: ImageRoot,
  changes: string[],
): Promise<string> {
  const colon = tag.lastIndexOf(':');
  try {
    const options = { repo: tag.slice(0, colon), tag: tag.slice(colon + 1), changes };
    const progress = await docker.importImage(root.stream(), options);
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error: Error | null) => (error ? reject(error) : resolve()));
    });
    return (await docker.getImage(tag).inspect()).Id;
  } catch (thrown) {
    throw new SolsticeError('image-unavailable', `image ${tag} can't be made: ${engineWords(thrown)}`, {
      cause: thrown,
    });
  }
}

/** Of the usual small programs, those that this machine has. */
export async function usualTools(): Promise<string[]> {
  const paths = await Promise.all(USUAL_TOOLS.map(pathOfTool));
  return USUAL_TOOLS.filter((_, index) => paths[index] !== undefined);
}

async function findTool(tool: string): Promise<string> {
  const found = await pathOfTool(tool);
  if (found !== undefined) return found;
  throw new SolsticeError('image-unavailable', `there is no program ${tool} on this machine to put into an image`);
}

async function pathOfTool(tool: string): Promise<string | undefined> {
  for (const directory of TOOL_DIRECTORIES) {
    const found = await realpath(path.join(directory, tool)).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}
