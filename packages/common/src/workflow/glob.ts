/**
 * Does a text fit a pattern? `*` is any run of characters but `/`, `**` any run at all, `?` one character but `/`;
 * everything else is itself. Takes time proportional to pattern times text, whatever they are.
 */
export function globMatches(pattern: string, text: string): boolean {
  const tokens = pattern.match(/\*\*+|[\s\S]/gu) ?? [];
  const characters = [...text];
  // reached[i]: the tokens so far fit the first i characters.
  let reached = characters.map(() => false);
  reached = [true, ...reached];
  for (const token of tokens) {
    const next = reached.map(() => false);
    for (let index = 0; index <= characters.length; index += 1) {
      const before = characters[index - 1];
      if (token === '*' || token.startsWith('**')) {
        const passes = before !== undefined && (token !== '*' || before !== '/');
        next[index] = reached[index] === true || (passes && next[index - 1] === true);
      } else if (before !== undefined) {
        const fits = token === '?' ? before !== '/' : before === token;
        next[index] = fits && reached[index - 1] === true;
      }
    }
    reached = next;
  }
  return reached[characters.length] === true;
}

/** What is wrong with a pattern for branch names, and what to do; undefined: nothing. */
export function globProblem(pattern: string): { message: string; hint: string } | undefined {
  if (pattern.startsWith('refs/')) {
    return {
      message: 'branches are named without "refs/heads/"',
      hint: `Write "${pattern.replace(/^refs\/(heads\/)?/, '')}".`,
    };
  }
  if (pattern.startsWith('!'))
    return { message: 'there are no patterns that exclude', hint: 'List the branches that are meant.' };
  const odd = /[[\]{}\\^~:]/.exec(pattern)?.[0];
  if (odd !== undefined) {
    return {
      message: `"${odd}" means nothing in a pattern`,
      hint: 'There are "*", "**" and "?"; list several patterns with spaces between.',
    };
  }
  if (pattern.length > 250) return { message: 'this pattern is longer than a branch name can be', hint: 'Shorten it.' };
  return undefined;
}
