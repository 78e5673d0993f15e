import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { DockerConnection } from '@solstice/workers/backends';

const run = promisify(execFile);

/** Names of images, as a job would name them. */
export interface TestImages {
  /** Busybox and nothing else: no C library, no git. */
  busybox: string;
  /** /bin/sh and a few tools of this machine, glibc, no git. */
  tools: string;
  /** The same, with git. */
  withGit: string;
  /** Tools and git again, with user `builder`, uid 1000. */
  nonRoot: string;
  /** A service: says `$ANSWER` to whoever comes to port 7000; with `$FAIL` it prints that and ends with 3. */
  service: string;
  /** Takes these tags off the engine again. */
  remove(): Promise<void>;
}

export interface TestImagesOptions {
  /** Default `1`. A suite that runs beside others has a tag of its own, and removes its images itself. */
  tag?: string;
}

const BUSYBOX = '/bin/busybox';

/** Images for tests as `solstice-test/<name>:<tag>`, made of programs of this machine: nothing is pulled. */
export async function makeTestImages(dockerHost: string, options: TestImagesOptions = {}): Promise<TestImages> {
  // Loaded when asked for: most suites that use this package have nothing to do with Docker.
  const { buildHostToolsImage, connectDocker, usualTools } = await import('@solstice/workers/backends');
  const docker = connectDocker(dockerHost);
  const name = (image: string): string => `solstice-test/${image}:${options.tag ?? '1'}`;
  const tools = await usualTools();
  const images = {
    busybox: name('busybox'),
    tools: name('tools'),
    withGit: name('with-git'),
    nonRoot: name('non-root'),
    service: name('service'),
  };
  await Promise.all([
    makeBusyboxImage(docker, images.busybox),
    makeServiceImage(docker, images.service),
    buildHostToolsImage(docker, { tag: images.tools, tools }),
    buildHostToolsImage(docker, { tag: images.withGit, tools: [...tools, 'git'] }),
    buildHostToolsImage(docker, { tag: images.nonRoot, tools: [...tools, 'git'], user: 'builder' }),
  ]);
  return { ...images, remove: () => removeImages(docker, Object.values(images)) };
}

const SERVICE = `if [ -n "$FAIL" ]; then echo "$FAIL"; exit 3; fi
while echo "$ANSWER" | nc -l -p 7000; do :; done
`;

/** Without busybox it is there, and cannot serve: its tests say so. */
async function makeServiceImage(docker: DockerConnection, tag: string): Promise<void> {
  const { ImageRoot, importImage } = await import('@solstice/workers/backends');
  const root = new ImageRoot();
  await root.addTool((await isThere(BUSYBOX)) ? 'busybox' : 'sh');
  for (const applet of ['sh', 'nc', 'cat', 'touch', 'sleep', 'true']) root.addLink(`/bin/${applet}`, 'busybox');
  root.addText('/serve', SERVICE);
  await importImage(docker, tag, root, ['ENV PATH=/bin', 'CMD ["/bin/sh", "/serve"]']);
}

/** Debian's busybox-static; without it, an image of the few tools stands in. */
async function makeBusyboxImage(docker: DockerConnection, tag: string): Promise<void> {
  const { buildHostToolsImage, ImageRoot, importImage } = await import('@solstice/workers/backends');
  if (!(await isThere(BUSYBOX))) {
    await buildHostToolsImage(docker, { tag });
    return;
  }
  const root = new ImageRoot();
  await root.addTool('busybox');
  const { stdout } = await run(BUSYBOX, ['--list']);
  for (const applet of stdout.split('\n').filter((line) => line !== '' && line !== 'busybox')) {
    root.addLink(`/bin/${applet}`, 'busybox');
  }
  await importImage(docker, tag, root, ['ENV PATH=/bin']);
}

async function removeImages(docker: DockerConnection, tags: string[]): Promise<void> {
  for (const tag of tags) {
    await docker
      .getImage(tag)
      .remove()
      .catch((error: { statusCode?: number }) => {
        if (error.statusCode !== 404) throw error;
      });
  }
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
