import { describe, expect, it } from 'vitest';
import { parseStat } from './proc.js';

describe('a line of the process table', () => {
  const rest = '1 2 3 34816 44 4194304 100 0 0 0 1 2 0 0 20 0 1 0 123456 1000 10';

  it('has a name that may hold anything', () => {
    const expected = { pid: 42, parentPid: 1, sessionId: 3, state: 'S', startTicks: '123456' };
    expect(parseStat(`42 (sh) S ${rest}`)).toEqual(expected);
    expect(parseStat(`42 (a) Z 9 (b) S ${rest}`)).toEqual(expected);
  });

  it('is undefined when it is no such line', () => {
    expect(parseStat('')).toBeUndefined();
    expect(parseStat('42 (sh) S 1')).toBeUndefined();
  });
});
