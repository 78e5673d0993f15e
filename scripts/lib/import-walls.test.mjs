import { expect, it } from 'vitest';
import { cruisePlanted, plantedRules } from './import-walls.mjs';

it('each planted bad import is reported, type-only ones too', async () => {
  const { violations } = await cruisePlanted();
  expect([...new Set(violations.map(({ rule }) => rule))].sort()).toEqual(plantedRules);
  expect(violations).toContainEqual({
    rule: 'common-flow-imports',
    from: 'packages/common/src/flow/index.ts',
    to: 'packages/common/src/store/index.ts',
  });
});

it('imports in using declarations are seen', async () => {
  const { violations } = await cruisePlanted();
  const runnerImports = violations.filter(({ rule }) => rule === 'runner-imports').map(({ to }) => to);
  expect(runnerImports.sort()).toEqual(
    ['flow', 'queue', 'store'].map((name) => `packages/common/src/${name}/index.ts`),
  );
});
