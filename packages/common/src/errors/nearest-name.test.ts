import { describe, expect, it } from 'vitest';
import { nearestName } from './nearest-name.js';

const known = ['listen', 'operator_listen', 'log_level', 'host', 'forge'];

describe('nearestName', () => {
  it.each([
    ['listn', 'listen'],
    ['lsiten', 'listen'],
    ['Operator-Listen', 'operator_listen'],
    ['operator_listener', 'operator_listen'],
    ['loglevel', 'log_level'],
    ['hots', 'host'],
    ['forges', 'forge'],
    ['colour', undefined],
    ['', undefined],
    ['x'.repeat(1_000_000), undefined],
  ])('of %.20s is %s', (word, expected) => {
    expect(nearestName(word, known)).toBe(expected);
  });

  it('takes the first of two that are equally near', () => {
    expect(nearestName('cat', ['bat', 'hat'])).toBe('bat');
  });
});
