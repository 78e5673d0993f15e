/**
 * Does a text fit a pattern? `*` is any run of characters but `/`, `**` any run at all, `?` one character but `/`;
 * everything else is itself. A `**` that stands for whole directories may stand for none: `src`, `**`, `a` with slashes between
 * fits `src/a`. Takes time proportional to pattern times text, whatever they are.
 */
export function globMatches(pattern: string, text: string): boolean {
  const tokens = pattern.match(/(?<=^|\/)\*\*+\/|\*\*+|[\s\S]/gu) ?? [];
  const characters = [...text];
  // reached[i]: the tokens so far fit the first i characters.
  let reached = characters.map(() => false);
  reached = [true, ...reached];
  for (const token of tokens) {
    const next = reached.map(() => false);
    const directories = token.startsWith('**') && token.endsWith('/');
    let reachedBefore = false;
    for (let index = 0; index <= characters.length; index += 1) {
      const before = characters[index - 1];
      if (directories) {
        next[index] = reached[index] === true || (before === '/' && reachedBefore);
      } else if (token === '*' || token.startsWith('**')) {
        const passes = before !== undefined && (token !== '*' || before !== '/');
        next[index] = reached[index] === true || (passes && next[index - 1] === true);
      } else if (before !== undefined) {
        const fits = token === '?' ? before !== '/' : before === token;
        next[index] = fits && reached[index - 1] === true;
      }
      reachedBefore ||= reached[index] === true;
    }
    reached = next;
  }
  return reached[characters.length] === true;
}

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
