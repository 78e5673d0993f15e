import { describe, expect, test } from 'vitest';
import { hasRunning } from './process-groups.js';

/** Of a process 4711 in the group 4700, as Linux writes it. */
const statOf = (state: string) =>
  `4711 (a) b) ${state} 4700 4700 17863 0 -1 4227084 585 0 0 0 0 0 0 0 20 0 2 0 5026660 0`;

/** The next look each time, and the last from then on. */
function table(...looks: Record<string, { stat?: string; threads?: number }>[]) {
  let look = looks[0] ?? {};
  return {
    pids: () => {
      look = looks.shift() ?? look;
      return Object.keys(look);
    },
    stat: (pid: string) => look[pid]?.stat,
    threads: (pid: string) => look[pid]?.threads ?? 0,
  };
}

const ended = { stat: statOf('Z'), threads: 1 };

describe('a group has one that runs', () => {
  test.each(['R', 'S', 'D', 'T'])('in the state %s', (state) => {
    expect(hasRunning(4700, table({ 1: { stat: '1 (init) S 0 1 1' }, 4711: { stat: statOf(state) } }))).toBe(true);
  });

  test('whose main thread has ended before the others', () => {
    expect(hasRunning(4700, table({ 4711: { stat: statOf('Z'), threads: 2 } }))).toBe(true);
  });

  test('that was forked after the list was made, by one that ended before it was read', () => {
    const forked = { stat: statOf('S'), threads: 1 };
    expect(hasRunning(4700, table({ 4711: ended }, { 4711: ended, 4712: forked }))).toBe(true);
    expect(hasRunning(4700, table({ 4711: {}, 4710: ended }, { 4710: ended, 4712: forked }))).toBe(true);
  });

  test('if none of it is shown: a signal has found one', () => {
    expect(hasRunning(4700, table({ 1: { stat: '1 (init) S 0 1 1' }, 4711: {} }))).toBe(true);
  });
});

test('a group has none that runs once all of it has ended, also what nobody has collected', () => {
  expect(hasRunning(4700, table({ 1: { stat: '1 (init) S 0 1 1' }, 4711: ended, 4712: { stat: statOf('X') } }))).toBe(
    false,
  );
});
