/** What one file of any of our languages may cost. Each has a message of its own when it is passed. */
export const kdlLimits = {
  fileBytes: 256 * 1024,
  /** Blocks inside blocks; also comments inside comments. */
  depth: 16,
  /** Arguments and properties of one node: one of the readers is quadratic in them. */
  entriesPerNode: 1_000,
  /** Parts commented out with `/-`: the same. */
  slashdashes: 1_000,
  /** A file of 256 KiB can be wrong in a hundred thousand places; nobody reads more than these. */
  diagnosticsPerFile: 100,
  /** A pebibyte: sums of a few are still whole numbers, and no machine has more. */
  sizeBytes: 1024 ** 5,
  /** Node arms timers with 32-bit milliseconds; nothing should need more. */
  durationMs: 14 * 24 * 60 * 60 * 1000,
} as const;
