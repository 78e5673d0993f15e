/** What pools, hosts and images are called, in every file that names one. */

/** Letters, digits, `.`, `_` and `-`, at most 63. */
export function isPoolName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text);
}

/** Lower case letters, digits, dashes and dots, at most 253. */
export function isHostId(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(text);
}

const imagePattern =
  /^(?:(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

/** A container image, with or without registry, tag and digest. */
export function isImageName(text: string): boolean {
  return text.length <= 255 && imagePattern.test(text);
}
