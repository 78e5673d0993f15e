import { describe, expect, it } from 'vitest';
import { events, foreignWords, isPlaceBuilt, type Place, wordIn, words } from './words.js';

const places = Object.keys(words) as Place[];

describe('the table of words', () => {
  it.each(places)('%s: has each word once', (place) => {
    const names = words[place].map((word) => word.name);
    expect(names).toEqual([...new Set(names)]);
    expect(names.every((name) => /^[a-z][a-z_]*$/.test(name))).toBe(true);
  });

  it('names only places that exist, and all of them', () => {
    const entered = new Set<string>(['file', ...Object.values(events).map((event) => event.place)]);
    for (const place of places)
      for (const word of words[place]) if (word.inside !== undefined) entered.add(word.inside);
    expect([...entered].sort()).toEqual([...places].sort());
  });

  it('suggests only words that exist for those of other languages', () => {
    for (const place of places) {
      for (const [foreign, ours] of Object.entries(foreignWords[place] ?? {})) {
        expect(wordIn(place, ours), `${foreign} in ${place}`).toBeDefined();
        expect(wordIn(place, foreign), foreign).toBeUndefined();
      }
    }
  });

  it('takes dashes for underscores', () => {
    expect(wordIn('job', 'runs-on')?.name).toBe('runs_on');
    expect(wordIn('job', 'RUNS_ON')).toBeUndefined();
  });

  it('knows which places can be used now', () => {
    expect(places.filter((place) => !isPlaceBuilt(place)).sort()).toEqual([
      'artifact',
      'cache',
      'deploy',
      'fetch',
      'report',
    ]);
  });
});
