import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './root.mjs';
import { slowestFirst, slowFiles } from './slowest-first.mjs';

const file = (project, path) => ({ project: { name: project }, moduleId: join(root, path) });

describe('the order of test files', () => {
  it('has the slow ones first in each project, and the others as they were', () => {
    const [slowest, slow] = slowFiles;
    const files = [
      ...[file('unit', 'z.test.ts'), file('unit', 'a.test.ts')],
      ...[file('integration', 'b.itest.ts'), file('integration', slow), file('integration', 'a.itest.ts')],
      file('integration', slowest),
    ];
    expect(slowestFirst(files).map(({ moduleId }) => moduleId)).toEqual(
      ['z.test.ts', 'a.test.ts', slowest, slow, 'b.itest.ts', 'a.itest.ts'].map((path) => join(root, path)),
    );
  });

  it('names files that are there', () => {
    expect(slowFiles.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
