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
