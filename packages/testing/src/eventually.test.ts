import { describe, expect, it } from 'vitest';
import { eventually } from './eventually.js';

describe('eventually', () => {
  it('answers with what the check gives at last, also zero and the empty text', async () => {
    let looks = 0;
    expect(await eventually(() => (++looks < 3 ? undefined : looks), { intervalMs: 1 })).toBe(3);
    expect(await eventually(() => 0)).toBe(0);
    expect(await eventually(() => '')).toBe('');
  });

  it('tries again when the check throws', async () => {
    let looks = 0;
    const check = () => {
      looks += 1;
      expect(looks).toBe(2);
      return true;
    };
    await expect(eventually(check, { intervalMs: 1 })).resolves.toBe(true);
  });

  it('says what it waited for, and what it saw last', async () => {
    const options = { describe: 'three nodes are green', timeoutMs: 5, intervalMs: 1 };
    await expect(eventually(() => false, options)).rejects.toThrow(
      'three nodes are green: not within 5 ms. Last seen: false',
    );
    const check = () => {
      throw new Error('only 2 of 3');
    };
    await expect(eventually(check, options)).rejects.toThrow('Last seen: only 2 of 3');
  });
});
