import { PlainText } from '@solstice/api';

/** One line that cannot move a terminal's cursor, whatever somebody called their branch. */
export function oneLine(text: string): string {
  const plain = new PlainText();
  return `${plain.push(new TextEncoder().encode(text))}${plain.end()}`.replace(/\s+/g, ' ').trim();
}

/** At most so many characters, ending in `…` where something was left out. */
export function cut(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return width <= 1 ? '…'.slice(0, width) : `${characters.slice(0, width - 1).join('')}…`;
}
