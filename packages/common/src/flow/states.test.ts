import { describe, expect, it } from 'vitest';
import { canMove, isTerminal, legalMoves, type Machine, machines, movesSql } from './states.js';
import { statesDocument } from './states-document.js';

describe('the tables of moves', () => {
  it.each(Object.keys(machines) as Machine[])('of %s lead only to states that there are', (machine) => {
    const states = Object.keys(machines[machine]);
    for (const move of legalMoves().filter((one) => one.machine === machine)) {
      expect(states).toContain(move.to);
      expect(move.to).not.toBe(move.from);
    }
  });

  it('agree about which states are terminal where they share a name', () => {
    for (const [machine, moves] of Object.entries(machines)) {
      for (const [state, targets] of Object.entries(moves)) {
        expect([machine, state, isTerminal(state as Parameters<typeof isTerminal>[0])]).toEqual([
          machine,
          state,
          targets.length === 0,
        ]);
      }
    }
  });

  it('answer single questions', () => {
    expect(canMove('attempt', 'claimed', 'running')).toBe(true);
    expect(canMove('attempt', 'claimed', 'succeeded')).toBe(false);
    expect(canMove('run', 'succeeded', 'failed')).toBe(false);
  });

  it('become rows for the database, each once', () => {
    const rows = movesSql().split(',\n');
    expect(rows).toHaveLength(legalMoves().length);
    expect(new Set(rows).size).toBe(rows.length);
    expect(rows).toContain("  ('attempt', 'queued', 'claimed')");
  });

  it('are drawn in docs/states.md', async () => {
    await expect(statesDocument()).toMatchFileSnapshot('../../../../docs/states.md');
  });
});
