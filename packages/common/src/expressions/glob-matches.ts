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
