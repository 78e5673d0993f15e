const newline = /(\r\n|[\n\v\f\r\u0085\u2028\u2029])/;
const blank = /^[\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff]*$/;

/**
 * A text of several lines, `"""` … `"""` with whatever hashes, as it is with another indentation: what stands before the
 * closing quotes, and with it before every line, is no part of what it says. As it stands where that is not so plain.
 */
export function indentedText(text: string, indentation: string): string {
  const [opening = ''] = /^#*"""/.exec(text) ?? [];
  const closing = [...opening].reverse().join('');
  const content = text.slice(opening.length, -closing.length);
  // A backslash before whitespace takes that away first, whatever lines it goes over.
  if (!opening.startsWith('#') && /\\\s/.test(content.replace(/\\\\/g, '--'))) return text;
  const [first, ...rest] = content.split(newline);
  const last = rest.at(-1);
  if (first !== '' || last === undefined || !blank.test(last)) return text;
  const lines: string[] = [];
  for (const [index, line] of rest.entries()) {
    const isLineEnd = index % 2 === 0;
    if (isLineEnd) lines.push(line);
    else if (index === rest.length - 1) lines.push(indentation);
    else if (blank.test(line)) lines.push('');
    else if (line.startsWith(last)) lines.push(indentation + line.slice(last.length));
    else return text;
  }
  return opening + lines.join('') + closing;
}
