import { expect, test } from 'vitest';
import { unbegunStep } from './run-view.js';

test.each([
  ['waiting', 'running', undefined],
  ['waiting', 'waiting', undefined],
  ['skipped', 'failed', undefined],
  ['skipped', 'cancelled', undefined],
  ['reused', 'succeeded', { runId: '01a1fd9a-14d5-7b7e-80d4-7ef2052cbd5d' }],
] as const)('a step that never began is %s in a node that is %s', (said, state, reusedFrom) => {
  expect(unbegunStep({ state, reusedFrom })).toBe(said);
});
