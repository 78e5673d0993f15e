/** SHA-1 or SHA-256, lower case: the only form in which a commit id enters the store. */
export function isCommitId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** All zeros: what forges and git say for "there is none" (before a created ref, after a deleted one). */
export function isZeroCommit(commit: string): boolean {
  return /^0+$/.test(commit);
}
