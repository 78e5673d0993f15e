import { expect, test } from 'vitest';
import { describeRoles, parseRoles } from './names.js';

test.each([
  ['orchestrator', 'orchestrator'],
  ['forge', 'forge'],
  ['webhooks, planner,relay,reporter', 'forge'],
  ['api,forge', 'forge, api'],
  ['relay,api,relay', 'relay, api'],
])('%s is told as %s', (text, told) => {
  expect(describeRoles(parseRoles(text))).toBe(told);
});

test('forge is the four that work on its events', () => {
  expect([...parseRoles('forge')]).toEqual(['webhooks', 'planner', 'relay', 'reporter']);
});

test.each([
  ['', 'there is no role ""'],
  ['forge,', 'there is no role ""'],
  ['orchestrater', 'did you mean "orchestrator"?'],
])('%j is refused: %s', (text, message) => {
  expect(() => parseRoles(text)).toThrow(message);
});
