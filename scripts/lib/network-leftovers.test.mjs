import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { takeNetworkLeftovers } from './network-leftovers.mjs';

it('a run that made no network left none', () => {
  expect(takeNetworkLeftovers('/tmp/sAbsent')).toEqual([]);
});

it.runIf(process.getuid?.() === 0 && existsSync('/usr/sbin/ip'))(
  'a namespace of this run is named and taken away; that of another stays',
  () => {
    const ours = `solstice-lab_sTest1_${process.pid}_abcdef_1`;
    const others = `solstice-lab_sTest2_${process.pid}_abcdef_1`;
    try {
      for (const name of [ours, others]) execFileSync('/usr/sbin/ip', ['netns', 'add', name]);
      expect(takeNetworkLeftovers('/tmp/sTest1')).toEqual([`network namespace ${ours}`]);
      expect(existsSync(`/run/netns/${ours}`)).toBe(false);
      expect(existsSync(`/run/netns/${others}`)).toBe(true);
    } finally {
      execFileSync('/usr/sbin/ip', ['netns', 'delete', others]);
    }
  },
);
