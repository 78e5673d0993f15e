/** What messages say of a kind of file. */
export interface FileKind {
  /** "workflow", "host file" */
  one: string;
  /** "workflows", "host files" */
  many: string;
  /** The page that shows how it is written. */
  page: string;
  /** A word of it that takes several values, written. */
  listExample: string;
  /** What to do about a file that is too large, and about too many values in one node. */
  tooLargeHint: string;
  tooManyValuesHint: string;
  /** How a file of KDL 1.0 is rewritten, where there is a command for that. */
  upgradeHint?: string;
}
