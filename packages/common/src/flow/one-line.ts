/** One line, not endless: what an expression gives may be anything. */
export function oneLine(text: string, most: number): string {
  const line = text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
