/** The end of a text, for people: what a program said last is mostly why it ended. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
