import { describe, expect, it } from 'vitest';
import { findWord } from '../kdl/index.js';
import { readHostFile } from './index.js';
import { hostLanguage, type Place, words } from './words.js';

const places = Object.keys(words) as Place[];

describe('the table of words', () => {
  it.each(places)('%s: has each word once', (place) => {
    const names = words[place].map((word) => word.name);
    expect(names).toEqual([...new Set(names)]);
    expect(names.every((name) => /^[a-z][a-z_]*$/.test(name))).toBe(true);
  });

  it('suggests only words that exist for those of other files', () => {
    for (const place of places) {
      for (const [foreign, ours] of Object.entries(hostLanguage.foreignWords[place] ?? {})) {
        expect(findWord(words, place, ours), `${foreign} in ${place}`).toBeDefined();
        expect(findWord(words, place, foreign), foreign).toBeUndefined();
      }
    }
  });
});

describe('limits', () => {
  const pools = (count: number) =>
    `host "a" { ${Array.from({ length: count }, (_, index) => `pool "p${index}" backend="process";`).join(' ')} }`;

  it('a host may have 256 pools and aliases', () => {
    const codes = (text: string) => {
      const result = readHostFile(text, 'a');
      return 'host' in result ? [] : result.diagnostics.map(({ code }) => code);
    };
    expect(codes(pools(256))).toEqual([]);
    expect(codes(pools(257))).toEqual(['too-many-pools']);
    expect(codes(pools(256).replace(/}$/, ' alias "x" "p0"; }'))).toEqual(['too-many-pools']);
    expect(codes(`host "a" ${'1 '.repeat(1_001)} { pool "p" backend="process"; }`)).toContain('too-many-values');
  });
});
