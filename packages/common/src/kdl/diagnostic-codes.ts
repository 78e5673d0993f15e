/** The codes that a file of any of our languages can have; each language adds its own. A code is never reused. */
export const kdlCodes = {
  syntax: 'The text is not KDL 2.0.',
  'kdl-1': 'The text is KDL 1.0; ours are KDL 2.0.',
  'not-utf8': 'The file is not UTF-8 text.',
  'readers-disagree': 'Two KDL readers understand this place differently, so it is refused.',
  'type-annotation': 'KDL type annotations, `(type)value`, mean nothing here.',
  'file-too-large': 'A file may have 256 KiB.',
  'too-deep': 'Blocks (or comments) may stand 16 deep.',
  'too-many-values': 'One node may have 1,000 values, one file 1,000 parts commented out with `/-`.',
  'parse-failed': 'The parser itself failed; please report the file.',
  'unknown-word': 'There is no such word.',
  'misplaced-word': 'The word exists, but stands elsewhere.',
  'duplicate-word': 'The word is said twice where once is meant.',
  'wrong-form': 'Too many arguments, or a block or properties where none are meant.',
  'missing-value': 'A value is needed here.',
  'wrong-type': 'A text was meant, not a number, boolean or null.',
  'number-without-unit': 'A duration or a size needs a unit.',
  'bad-number': 'Not a number, or out of range.',
  'bad-size': 'Not a size such as "512MiB" or "4GiB".',
  'bad-duration': 'Not a duration such as "90s", "20m" or "1h30m", or out of range.',
  'bad-character': 'A control character that KDL forbids, or a NUL, which no script, variable or name can have.',
  'bad-escape': 'A backslash in a string, and what follows is no escape.',
  'not-available-yet': 'Designed, but not built yet.',
} as const satisfies Record<string, string>;

export type KdlCode = keyof typeof kdlCodes;
