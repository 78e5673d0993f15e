/** Of what an expression gives: why it can be neither stored nor handed to a program. A NUL ends a variable; half of a character is no text. */
export function problemOfText(text: string): string | undefined {
  return /[\0\p{Surrogate}]/u.test(text) ? 'it has a character in it that no variable and no name can have' : undefined;
}
