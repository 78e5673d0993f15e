import { createHash, randomUUID } from 'node:crypto';
import {
  access,
  chmod,
  constants,
  copyFile,
  link,
  mkdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import path from 'node:path';
import { SolsticeError, toError } from '@solstice/common/errors';
import { linkedFiles } from './shared-libraries.js';

export interface RunnerMountSettings {
  /** `<data>/host/runner`; a directory a version is made in it. */
  directory: string;
  /** The runner as one CommonJS file. */
  runnerBundle: string;
  /** Default: the Node.js that runs this. */
  nodePath?: string;
}

export interface RunnerMount {
  /** Made at the first call, by all callers together. Rejects with `backend-unavailable`; the next call tries again. */
  ready(): Promise<RunnerVersion>;
}

/** The runner with its own Node.js, loader and libraries: mounted read-only, it works in an image that has none of them. */
export interface RunnerVersion {
  /** On this host. */
  directory: string;
  version: string;
  /** How to start it, given where the directory is mounted. */
  command(mountedAt: string, args: string[]): string[];
}

const BUNDLE = 'runner.cjs';

interface MountFile {
  /** Inside the mount. */
  name: string;
  source: string;
  mode: number;
}

export function createRunnerMount(settings: RunnerMountSettings): RunnerMount {
  let made: Promise<RunnerVersion> | undefined;
  return {
    ready: () => {
      made ??= makeVersion(settings).catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    },
  };
}

/**
 * Makes `<directory>/<version>/`, or finds it made. Versions differ when any of the files does. It is made under
 * another name and renamed, so any number of processes may do this at once.
 */
async function makeVersion(settings: RunnerMountSettings): Promise<RunnerVersion> {
  try {
    const node = await realpath(settings.nodePath ?? process.execPath);
    const { files, loaderName } = await filesOf(node, settings.runnerBundle);
    const version = await versionOf(files);
    const directory = path.join(path.resolve(settings.directory), version);
    if (!(await exists(directory))) await assemble(directory, files);
    return {
      directory,
      version,
      command: (mountedAt, args) => {
        const inside = (name: string): string => path.posix.join(mountedAt, name);
        return [inside(loaderName), '--library-path', inside('lib'), inside('node'), inside(BUNDLE), ...args];
      },
    };
  } catch (thrown) {
    throw new SolsticeError('backend-unavailable', `the runner's mount can't be made: ${toError(thrown).message}`, {
      cause: thrown,
    });
  }
}

async function filesOf(node: string, runnerBundle: string): Promise<{ files: MountFile[]; loaderName: string }> {
  const linked = await linkedFiles(node);
  if (linked === undefined) throw new Error(`${node} is not a Linux program with shared libraries`);
  const loaderName = path.basename(linked.loader);
  const libraries = linked.libraries.map(({ name, path: source }) => ({ name: `lib/${name}`, source, mode: 0o644 }));
  const files = [
    { name: BUNDLE, source: runnerBundle, mode: 0o644 },
    { name: 'node', source: node, mode: 0o755 },
    { name: loaderName, source: linked.loader, mode: 0o755 },
    ...libraries,
  ];
  const resolved = await Promise.all(files.map(async (file) => ({ ...file, source: await realpath(file.source) })));
  return { files: resolved, loaderName };
}

/** The bundle by its content; Node.js and the libraries, some 100 MB, by what changes with every update of theirs. */
async function versionOf(files: MountFile[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, source } of files) {
    hash.update(`${name}\0${source}\0`);
    if (name === BUNDLE) {
      hash.update(await readFile(source));
    } else {
      const { size, mtimeMs } = await stat(source);
      hash.update(`${size} ${mtimeMs}\0`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function assemble(directory: string, files: MountFile[]): Promise<void> {
  const fresh = `${directory}.${randomUUID()}.tmp`;
  try {
    await mkdir(path.join(fresh, 'lib'), { recursive: true });
    // Whatever mask this process has: users of any image must be able to read it.
    for (const made of [fresh, path.join(fresh, 'lib')]) await chmod(made, 0o755);
    for (const file of files) await place(file, path.join(fresh, file.name));
    await rename(fresh, directory);
  } catch (thrown) {
    await rm(fresh, { recursive: true, force: true });
    // Another process was quicker; the same version has the same content.
    if (!(await exists(directory))) throw thrown;
  }
}

/**
 * A hard link costs nothing; where there can be none (another disk, or the kernel forbids it), a copy. The bundle is
 * always copied: a build writes it anew in place, and would change this version with it.
 */
async function place({ name, source, mode }: MountFile, target: string): Promise<void> {
  if (name !== BUNDLE && ((await stat(source)).mode & mode) === mode) {
    const linked = await link(source, target).then(
      () => true,
      () => false,
    );
    if (linked) return;
  }
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  await chmod(target, mode);
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
