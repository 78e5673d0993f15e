import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A commit with an executable, a link, a deep path, and so many plain files; its bare mirror as a host has one. */
export class SourceRepository {
  readonly mirror: string;
  readonly commit: string;

  constructor(directory: string, fileCount: number) {
    const repository = join(directory, 'repository');
    this.mirror = join(directory, 'mirror.git');
    mkdirSync(join(repository, 'ci'), { recursive: true });
    writeFileSync(join(repository, 'ci', 'build'), '#!/bin/sh\necho built\n');
    chmodSync(join(repository, 'ci', 'build'), 0o755);
    symlinkSync('ci/build', join(repository, 'link'));
    const deep = join(repository, 'd'.repeat(60), 'e'.repeat(60), 'f'.repeat(60));
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, 'näme with spaces'), 'deep\n');
    writeFileSync(join(repository, 'large'), Buffer.alloc(3 * 1024 * 1024, 'large file '));
    for (let index = 0; index < fileCount; index += 1) {
      if (index % 500 === 0) mkdirSync(join(repository, `files-${index / 500}`));
      writeFileSync(join(repository, `files-${Math.floor(index / 500)}`, `file-${index}`), `content ${index}\n`);
    }
    // So many objects would have git pack them behind our back, while they are cloned.
    const settings = ['gc.auto=0', 'user.name=Test', 'user.email=test@example.org'].flatMap((one) => ['-c', one]);
    const git = (...parameters: string[]) =>
      execFileSync('git', [...settings, ...parameters], { cwd: repository, encoding: 'utf8' });
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('commit', '--quiet', '-m', 'all of it');
    this.commit = git('rev-parse', 'HEAD').trim();
    git('clone', '--quiet', '--mirror', '.', this.mirror);
  }

  /** What the host makes of the commit for a worker without git. */
  async *archive(): AsyncIterable<Uint8Array> {
    const child = spawn('git', ['archive', '--format=tar', this.commit], { cwd: this.mirror });
    yield* child.stdout;
  }
}
