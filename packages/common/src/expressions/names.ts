export type NameType = 'string' | 'int' | 'double' | 'bool';

/** A value of a name; a whole number for `int`. */
export type NameValue = string | number | boolean;

/** The names that an expression may say: `branch`, `matrix.os`. One dot at most. */
export type Names = Readonly<Record<string, NameType>>;
