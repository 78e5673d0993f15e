export { globMatches } from '../expressions/index.js';

/** What is wrong with a pattern for the names of branches or tags, or for paths, and what to do; undefined: nothing. */
export function globProblem(
  pattern: string,
  of: 'branch' | 'tag' | 'path' = 'branch',
): { message: string; hint: string } | undefined {
  const things = { branch: 'branches', tag: 'tags', path: 'paths' }[of];
  const prefix = /^refs\/(?:heads\/|tags\/)?/.exec(pattern)?.[0];
  if (of !== 'path' && prefix !== undefined) {
    return {
      message: `${things} are named without "refs/${of === 'tag' ? 'tags' : 'heads'}/"`,
      hint: `Write "${pattern.slice(prefix.length)}".`,
    };
  }
  if (pattern.startsWith('!')) {
    const hint = of === 'path' ? 'Write ignore="…" for files that do not count.' : `List the ${things} that are meant.`;
    return { message: 'there are no patterns that exclude', hint };
  }
  const odd = (of === 'path' ? /[[\]{}\\]/ : /[[\]{}\\^~:]/).exec(pattern)?.[0];
  if (odd !== undefined) {
    return {
      message: `"${odd}" means nothing in a pattern`,
      hint: 'There are "*", "**" and "?"; list several patterns with spaces between.',
    };
  }
  if (of === 'path' && (/^(?:\/|\.{1,2}\/)/.test(pattern) || pattern.endsWith('/'))) {
    const meant = pattern.replace(/^(?:\/|\.{1,2}\/)+/, '').replace(/\/+$/, '/**');
    return {
      message: 'paths are written from the root of the repository, and name files',
      hint: `Write "${meant === '' ? '**' : meant}".`,
    };
  }
  if (pattern.length > 250) {
    const longest = of === 'path' ? 'longer than is allowed' : `longer than the name of a ${of} can be`;
    return { message: `this pattern is ${longest}`, hint: 'Shorten it.' };
  }
  return undefined;
}
